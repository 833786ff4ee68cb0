// SPDX-License-Identifier: GPL-2.0-only OR MIT

package run

import (
	"fmt"
	"os"
	"path/filepath"
)

// countFiles opens a file for the counts of each guest. There are none if nothing counts.
func (opt *SuiteOptions) countFiles(guests int) (files []*os.File, err error) {
	if opt.Counts == nil {
		return nil, nil
	}
	for i := range guests {
		f, err := os.Create(filepath.Join(opt.Out, fmt.Sprintf(".counts-%d.tar.gz", i+1)))
		if err != nil {
			closeCounts(files)
			return nil, fmt.Errorf("results directory: %w", err)
		}
		files = append(files, f)
	}
	return files, nil
}

// closeCounts removes the files, which are not needed after they were read.
func closeCounts(files []*os.File) {
	for _, f := range files {
		f.Close()
		_ = os.Remove(f.Name()) // a hidden file that is left over disturbs nothing
	}
}

func names(files []*os.File) []string {
	var all []string
	for _, f := range files {
		all = append(all, f.Name())
	}
	return all
}
