// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package gate checks whether a tree accepts a series now. It checks the time since the
// previous version, the merge window, and the number of patches. The caller supplies the
// rules of the tree, the time and the state of the merge window.
//
// The rules of netdev are in Documentation/process/maintainer-netdev.rst.
package gate

import (
	"fmt"
	"time"
)

// State is the state of a tree that takes features.
type State int

const (
	// Unknown: the caller gave no state.
	Unknown State = iota
	// Open: the merge window is over, the tree takes features.
	Open
	// Closed: the merge window is open, the tree takes only RFCs.
	Closed
)

// Input describes the series to send.
type Input struct {
	// Now is the time of sending.
	Now time.Time
	// Tree is the tree that the series is for.
	Tree string
	// Page shows whether the tree is open. Empty means that the merge window does not
	// close the tree.
	Page string
	// Interval is the minimum time between two versions; 0 means none.
	Interval time.Duration
	// MaxPatches is the maximum number of patches in a series. It is also the maximum
	// number that may wait for the tree. 0 means no limit.
	MaxPatches int
	// RFC says that the series is an RFC.
	RFC bool
	// Patches is the number of patches.
	Patches int
	// LastSent is when the previous version was sent; zero if none was.
	LastSent time.Time
	// State is the state of the tree. It counts only for a tree with a Page.
	State State
	// Outstanding is the number of other patches by the same author that wait for Tree.
	Outstanding int
}

// Shut is a closed gate.
type Shut struct {
	// Gate is "interval", "window", "patches" or "outstanding".
	Gate string
	// Why is the reason, one line.
	Why string
	// Until is when the gate opens by itself; zero if it never does, or if the time is unknown.
	Until time.Time
}

// Check returns the closed gates.
func Check(in Input) (shut []Shut) {
	if next := in.LastSent.Add(in.Interval); !in.LastSent.IsZero() && in.Now.Before(next) {
		shut = append(shut, Shut{"interval", fmt.Sprintf("the previous version was sent %s ago (wait until %s)",
			in.Now.Sub(in.LastSent).Round(time.Minute), next.UTC().Format("Mon 2006-01-02 15:04 MST")), next})
	}
	if !in.RFC && in.Page != "" {
		switch in.State {
		case Closed:
			shut = append(shut, Shut{Gate: "window", Why: in.Tree + " is closed during the merge window and takes only RFCs"})
		case Unknown:
			shut = append(shut, Shut{Gate: "window", Why: "unknown whether " + in.Tree + " is open (check " + in.Page + ", then give the state)"})
		}
	}
	most := in.MaxPatches
	if most > 0 && in.Patches > most {
		shut = append(shut, Shut{Gate: "patches", Why: fmt.Sprintf("%d patches, maximum is %d", in.Patches, most)})
	}
	if n := in.Patches + in.Outstanding; most > 0 && in.Outstanding > 0 && in.Patches <= most && n > most {
		shut = append(shut, Shut{Gate: "outstanding", Why: fmt.Sprintf("%d patches would wait for %s, maximum is %d", n, in.Tree, most)})
	}
	return shut
}
