// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Package syzlang writes descriptions of a kernel interface for syzkaller: netlink
// attributes from their YNL specification, and BPF links from the kernel's headers.
//
// The descriptions extend those that syzkaller has of netlink and BPF. They use its
// templates, such as nlattr and netlink_msg, and do not compile without them.
package syzlang

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"
)

// Config says what to describe.
type Config struct {
	// Name is the name of the files, without suffix, and a part of the names in them.
	Name string `toml:"name"`
	// Headers define the constants: "linux/if_link.h".
	Headers []string `toml:"headers"`
	// Program is the kind of BPF program that is attached.
	Program Program `toml:"program"`
	// Requests are the netlink requests that carry an attribute.
	Requests []Request `toml:"request"`
}

// Program describes the BPF programs of a hook and their links.
type Program struct {
	// Type is the program type, AttachType the expected attach type and the attach type of
	// the link: "BPF_PROG_TYPE_SOCKET_FILTER", "BPF_XPS".
	Type       string `toml:"type"`
	AttachType string `toml:"attach-type"`
}

// Request describes netlink requests with an attribute that syzkaller does not know.
type Request struct {
	// Messages are the types of the messages, Header is syzkaller's type of their header,
	// Socket its resource of the socket.
	Messages []string `toml:"messages"`
	Header   string   `toml:"header"`
	Socket   string   `toml:"socket"`
	// Others are the types of other attributes, by name: {IFLA_MTU = "nlattr[IFLA_MTU,
	// int32]"}. All of syzkaller's own would need system calls that create namespaces,
	// processes and sockets: syzkaller disables a call if it cannot create a resource that
	// an attribute may have.
	Others map[string]string `toml:"others"`
	// Spec, Set and Attribute name the attribute in the YNL specification.
	Spec      string `toml:"spec"`
	Set       string `toml:"set"`
	Attribute string `toml:"attribute"`
	// Types are the types of attributes inside that are more than numbers, by the name in
	// the specification: {fd = "fd_bpf_prog"}.
	Types map[string]string `toml:"types"`
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// ParseConfig reads a configuration in TOML; file is its name in errors.
func ParseConfig(file string, text []byte) (*Config, error) {
	var c Config
	md, err := toml.Decode(string(text), &c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if unknown := md.Undecoded(); len(unknown) > 0 {
		return nil, fmt.Errorf("%s: unknown key %s", file, unknown[0])
	}
	if !nameForm.MatchString(c.Name) {
		return nil, fmt.Errorf("%s: name %q: want lower case letters, digits and underscores", file, c.Name)
	}
	missing := func(key, value string) error {
		if value == "" {
			return fmt.Errorf("%s: %s is missing", file, key)
		}
		return nil
	}
	if len(c.Headers) == 0 {
		return nil, missing("headers", "")
	}
	required := [][2]string{{"program.type", c.Program.Type}, {"program.attach-type", c.Program.AttachType}}
	for _, r := range c.Requests {
		required = append(required, [2]string{"request.messages", strings.Join(r.Messages, "")}, [2]string{"request.header", r.Header},
			[2]string{"request.socket", r.Socket}, [2]string{"request.spec", r.Spec},
			[2]string{"request.set", r.Set}, [2]string{"request.attribute", r.Attribute})
	}
	for _, f := range required {
		if err := missing(f[0], f[1]); err != nil {
			return nil, err
		}
	}
	return &c, nil
}
