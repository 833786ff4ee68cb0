// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package record defines what the benchmark in the guest sends to the host: one JSON
// value per line on its standard output.
package record

// Line is one line. Exactly one field is set.
type Line struct {
	// Plan is in the first line: the number of measurements.
	Plan int `json:"plan,omitempty"`
	// Begin names the measurement that starts.
	Begin *ID `json:"begin,omitempty"`
	// Result is a completed measurement.
	Result *Result `json:"result,omitempty"`
}

// ID identifies a measurement.
type ID struct {
	// Contender is the method that selects the queue: "none", "xps-const".
	Contender string `json:"contender"`
	// Path is how packets are sent: "pick", "udp".
	Path string `json:"path"`
	// Size is the number of queues or devices if that varies, else 0.
	Size int `json:"size,omitempty"`
}

// Result is the result of a measurement.
type Result struct {
	ID
	// Rounds are instructions per operation (a packet, a request), one value per
	// round, in the order measured. Rounds with an interrupt are left out.
	Rounds []float64 `json:"rounds"`
	// Interrupted is the number of rounds with an interrupt.
	Interrupted int `json:"interrupted"`
	// Asked is the queue that the contender requests, NoQueue if none.
	Asked int `json:"asked"`
	// Queues are the queues that the packets of a round used, in ascending order. If
	// packets do not leave the device, it is the queue selected for the last one.
	Queues []int `json:"queues,omitempty"`
}

// NoQueue means that no queue is requested.
const NoQueue = -1
