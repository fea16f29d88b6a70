//go:build linux

// load calls a snapshotter as containerd does, over one connection, and prints what it measured as one JSON object: the
// phases of the measurement, each with its duration and with the latency of every call in the order of their answers.
// Nothing is summed up here: whoever reads it decides what a rate and a percentile are of.
//
//	load MEASUREMENT [OPTION...]
//
// Each measurement removes what it made, makes its own parent, and runs as root inside the virtual machine of the bench.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"
)

type options struct {
	socket  string
	count   int
	atOnce  int
	rounds  int
	warmUp  int
	pool    string
	threads int
	settle  time.Duration
	limit   time.Duration
	active  int
	prefix  string
}

var measurements = map[string]func(options) ([]phase, error){
	"burst":   withSession(burst),
	"cycle":   withSession(cycle),
	"base":    withSession(base),
	"usage":   withSession(usage),
	"busy":    withSession(busy),
	"fill":    withSession(fill),
	"present": withSession(present),
	"bare":    bare,
}

func main() {
	names := make([]string, 0, len(measurements))
	for name := range measurements {
		names = append(names, name)
	}
	sort.Strings(names)
	if len(os.Args) < 2 || measurements[os.Args[1]] == nil {
		fmt.Fprintf(os.Stderr, "Usage: load %s [OPTION...]\n", strings.Join(names, "|"))
		os.Exit(2)
	}
	phases, err := measurements[os.Args[1]](parseOptions(os.Args[1], os.Args[2:]))
	if err != nil {
		fmt.Fprintf(os.Stderr, "load %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(phases); err != nil {
		fmt.Fprintf(os.Stderr, "load: %v\n", err)
		os.Exit(1)
	}
}

func parseOptions(name string, arguments []string) options {
	var o options
	set := flag.NewFlagSet("load "+name, flag.ExitOnError)
	set.StringVar(&o.socket, "socket", "", "the snapshotter's unix socket")
	set.IntVar(&o.count, "count", 64, "calls in a phase")
	set.IntVar(&o.atOnce, "at-once", 64, "calls in flight")
	set.IntVar(&o.rounds, "rounds", 1, "rounds that count")
	set.IntVar(&o.warmUp, "warm-up", 0, "rounds before those")
	set.DurationVar(&o.settle, "settle", time.Second, "after a round, wait until the number of dm devices was the same for so long")
	set.DurationVar(&o.limit, "limit", 10*time.Second, "busy: how long an answer is waited for before the device is unmounted")
	set.StringVar(&o.pool, "pool", "", "bare: the thin pool")
	set.IntVar(&o.threads, "threads", 8, "bare: threads")
	set.IntVar(&o.active, "active", 0, "fill: of the snapshots present, how many are to be active")
	set.StringVar(&o.prefix, "prefix", "load", "what all keys and names begin with")
	if err := set.Parse(arguments); err != nil {
		os.Exit(2)
	}
	return o
}
