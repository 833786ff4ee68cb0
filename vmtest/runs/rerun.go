// SPDX-License-Identifier: GPL-2.0-only OR MIT

package runs

import "strings"

// makeTargets are the targets of the Makefile by kind.
var makeTargets = map[Kind]string{
	Suite: "vmtest", Bases: "vmtest", Bisect: "bisect", Mutants: "mutants", Mutate: "mutate", Reach: "reach", Prove: "prove", Litmus: "litmus", Bench: "bench", Builds: "check-builds",
	Boots: "bench-vm", BuildTimes: "bench-build",
}

// Rerun is the command line that repeats all runs of the cell, to be typed
// in the workbench.
func (c *Cell) Rerun() string {
	target, ok := makeTargets[c.Kind]
	switch {
	case c.Kind == Check:
		return "bin/xpsgen series check " + c.Series + "/" + c.Base
	case !ok:
		line := "bin/xpsgen " + string(c.Kind)
		return line + " --base " + c.Base
	}
	words := []string{"make", target}
	if c.Unpatched {
		words[1] = "unpatched"
	}
	words = append(words, "BASE="+c.Base)
	if c.Arch != "" {
		words = append(words, "ARCH="+c.Arch)
	}
	for _, v := range []struct {
		name string
		list []string
	}{{"CONFIG", c.Config}, {"SERIES", c.Only}, {"WITH", c.With}, {"WITHOUT", c.Without}} {
		if len(v.list) > 0 {
			words = append(words, v.name+"="+strings.Join(v.list, ","))
		}
	}
	for _, t := range c.Trees {
		project, dir, _ := strings.Cut(t, " ")
		words = append(words, strings.ToUpper(project)+"='"+dir+"'")
	}
	return strings.Join(words, " ")
}
