// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package record is what the benchmark in the guest tells the host: a JSON
// value per line on its standard output.
package record

// Line is one line. Exactly one field is set.
type Line struct {
	// Plan is the first line: how many measurements follow.
	Plan int `json:"plan,omitempty"`
	// Begin names the measurement that begins.
	Begin *ID `json:"begin,omitempty"`
	// Result is one that ended.
	Result *Result `json:"result,omitempty"`
}

// ID names a measurement.
type ID struct {
	// Contender is what chooses the queue: "none", "xps-const".
	Contender string `json:"contender"`
	// Path is what sends: "pick", "udp".
	Path string `json:"path"`
	// Size is the number of queues or devices where that varies, else 0.
	Size int `json:"size,omitempty"`
}

// Result is what was measured.
type Result struct {
	ID
	// Rounds are instructions per operation (a packet, a request), a value a
	// round, in the order measured, of rounds that no interrupt hit.
	Rounds []float64 `json:"rounds"`
	// Interrupted is how many rounds an interrupt hit. They are not in Rounds.
	Interrupted int `json:"interrupted"`
	// Asked is the queue that the contender asks for, NoQueue if none.
	Asked int `json:"asked"`
	// Queues are those by which the packets of a round left, in ascending
	// order. Where packets do not leave it is the one chosen for the last.
	Queues []int `json:"queues,omitempty"`
}

// NoQueue is no queue at all.
const NoQueue = -1
