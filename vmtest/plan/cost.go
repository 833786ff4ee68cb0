// SPDX-License-Identifier: GPL-2.0-only OR MIT

package plan

// usual is the cost of a test that slow does not name. Costs are hundredths of a second
// under TCG.
const usual = 10

// slow has the costs of the tests that take longer.
var slow = map[string]int{
	"hook/a06-a-program-runs-though-no-map-was-ever-set":                     32,
	"hook/a10-connected-udp-keeps-its-queue":                                 34,
	"hook/a11-an-old-queue-is-selected-anew-where-the-kernel-has-the-sysctl": 44,
	"hook/a17-packets-of-netpoll-ask-the-program":                            40,
	"hook/d19-the-static-key-follows-the-programs":                           32,
	"hook/d15-queues-of-a-tap-come-and-go-under-traffic":                     52,
	"demo/c02-tap-with-ret-0-uses-queue-0":                                   33,
	"demo/c06-tap-programs-replace-each-other":                               33,
	"demo/c07-tap-shows-its-program-before-during-and-after":                 43,
	"demo/c13-the-session-of-the-letter-runs-as-typed":                       67,
	"query/a21-ip-plain-json-and-monitor-agree":                              36,
	"control/d29-ip-replaces-the-expected-program-only":                      53,
	"ip/f01-a-batch-of-1000-lines-continues-after-errors":                    479,
	"ip/f02-devices-have-the-names-of-words":                                 134,
	"ip/f04-one-process-asks-for-the-hook-once":                              39,
	"ip/f05-words-that-exclude-each-other-are-refused":                       42,
	"negative/d14-mutated-messages-do-what-the-model-says":                   61,
	"race/a44-replacing-under-traffic-loses-nothing":                         407,
	"race/a47-deleting-races-with-sending":                                   33,
	"race/a48-a-dump-of-many-devices-tells-each-program":                     60,
	"selftests/e01-attach-query-detach":                                      125,
	"lifetime/a43-attaching-over-and-over-leaks-nothing":                     58,
}

// cost returns about how long a test takes, in hundredths of a second under TCG.
func cost(name string) int {
	if c, ok := slow[name]; ok {
		return c
	}
	return usual
}
