// SPDX-License-Identifier: GPL-2.0-only OR MIT

package main

import "xpsgen/vmtest/guest/objects/record"

// call is one cell of the matrix, and its result without a mutant.
type call struct {
	build  *record.Build
	object *record.Object
	result record.Result
	reach  []int
	path   uint64 // the same for calls that reach the same mutants
}

func (c *call) name() string { return c.result.Build + "/" + c.result.Context + "/" + c.result.Object }

// contextCalls returns the calls of one context.
func contextCalls(job *record.Job, context string) (calls []*call) {
	for i := range job.Builds {
		for j := range job.Objects {
			if b, o := &job.Builds[i], &job.Objects[j]; o.In(b.Name, context) {
				calls = append(calls, &call{build: b, object: o})
			}
		}
	}
	return calls
}

// queue hands the calls to workers.
func queue(calls []*call) <-chan *call {
	next := make(chan *call, len(calls))
	for _, c := range calls {
		next <- c
	}
	close(next)
	return next
}
