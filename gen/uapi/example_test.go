// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi_test

import (
	"context"
	"fmt"

	"xpsgen/gen/uapi"
)

// Print the model of a header: every constant with its value and place.
func ExampleAnalyse() {
	h, err := uapi.Analyse(context.Background(), &uapi.Compiler{}, []string{"testdata/include"}, uapi.Input{Path: "linux/sample.h"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range h.Groups[0].Consts[:3] {
		fmt.Println(c.Name, c.Value, c.Pos)
	}
	// Output:
	// SAMPLE_UNSPEC 0 linux/sample.h:9
	// SAMPLE_FD 1 linux/sample.h:10
	// SAMPLE_PLUS 6 linux/sample.h:11
}

// Build a package in memory from installed headers.
func ExampleBuild() {
	config, err := uapi.ParseConfig("example", []byte(`
package = "sample"
[[header]]
path = "linux/sample.h"
include = ["SAMPLE_FLAG_*"]
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := uapi.Build(context.Background(), uapi.Options{Include: []string{"testdata/include"}, Config: config})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Files, result.Constants(), "constants")
	// Output: [sample_uapi.go] 2 constants
}
