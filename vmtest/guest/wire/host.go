// SPDX-License-Identifier: GPL-2.0-only OR MIT

package wire

import "encoding/json"

// Raw is a string of the host, byte for byte. A path or an argument may not be UTF-8, but a
// JSON string must be.
type Raw string

// MarshalJSON writes the bytes in base64.
func (r Raw) MarshalJSON() ([]byte, error) { return json.Marshal([]byte(r)) }

// UnmarshalJSON reads the format of MarshalJSON.
func (r *Raw) UnmarshalJSON(data []byte) error {
	var b []byte
	if err := json.Unmarshal(data, &b); err != nil {
		return err
	}
	*r = Raw(b)
	return nil
}

// Raws converts a list of strings.
func Raws(list []string) []Raw {
	out := make([]Raw, len(list))
	for i, s := range list {
		out[i] = Raw(s)
	}
	return out
}

// Strings converts a list back.
func Strings(list []Raw) []string {
	out := make([]string, len(list))
	for i, r := range list {
		out[i] = string(r)
	}
	return out
}

// Names of the host's files in the guest of [ModeRun] and [ModeShell], and paths of the
// guest's own files.
const (
	// HostTag is the mount tag of the host's root directory, which is exported
	// read-only over 9p.
	HostTag = "xpsgen.host"
	// LayerDir is the directory of the image that lies over the host's root.
	LayerDir = "/xpsgen/layer"
	// ToolDir comes first in PATH: it has the patched ip and bpftool.
	ToolDir = "/xpsgen/bin"
	// BusyBox is a program with a shell and the usual tools. Guests of another
	// architecture have it, because the host's programs do not run there. The guest puts
	// links to it in [ToolDir].
	BusyBox = ToolDir + "/busybox"
)

// Tools are the programs in [ToolDir] that replace the host's own.
func Tools() []string { return []string{"ip", "bpftool"} }

// HostFiles says how a guest sees the host's files. It sees all of them under an overlay,
// which is discarded at the end. It sees some directories without the overlay.
type HostFiles struct {
	// Shares are directories in which the guest writes to the host.
	Shares []Share `json:"shares,omitempty"`
	// Binds put a file or directory of the host at another path.
	Binds []Bind `json:"binds,omitempty"`
	// HostTools leaves the host's own ip and bpftool in their places.
	HostTools bool `json:"hostTools,omitempty"`
	// Foreign says that the host's programs do not run in the guest.
	Foreign bool `json:"foreign,omitempty"`
}

// Share is a directory of the host that the guest may write to.
type Share struct {
	// Tag is its mount tag.
	Tag string `json:"tag"`
	// Dir is its path, on the host and in the guest, without symbolic links.
	Dir Raw `json:"dir"`
}

// Bind puts the file or directory From at To.
type Bind struct {
	From Raw `json:"from"`
	To   Raw `json:"to"`
}
