// SPDX-License-Identifier: GPL-2.0-only OR MIT

package uapi

import _ "embed"

// Template is a configuration to start from. It works unchanged, and explains every
// key.
//
//go:embed template.toml
var Template string
