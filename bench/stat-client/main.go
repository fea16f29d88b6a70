//go:build linux

// The Go client of the Stat bench: for every line on stdin, a number of milliseconds, it keeps its calls in flight that
// long and prints how many were answered. One connection and generated messages, as containerd has them.
//
//	stat-client SOCKET CALLS-IN-FLIGHT KEY ...
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	snapshotsapi "github.com/containerd/containerd/api/services/snapshots/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

func main() {
	if len(os.Args) < 4 {
		fail("Usage: stat-client SOCKET CALLS-IN-FLIGHT KEY ...")
	}
	inFlight, err := strconv.Atoi(os.Args[2])
	if err != nil {
		fail(err)
	}
	connection, err := grpc.Dial("unix://"+os.Args[1], grpc.WithInsecure(), grpc.WithAuthority("localhost"))
	if err != nil {
		fail(err)
	}
	defer connection.Close()
	client := snapshotsapi.NewSnapshotsClient(connection)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		ms, err := strconv.Atoi(lines.Text())
		if err != nil {
			fail(err)
		}
		fmt.Println(measure(client, os.Args[3:], inFlight, time.Duration(ms)*time.Millisecond))
	}
}

func measure(client snapshotsapi.SnapshotsClient, keys []string, inFlight int, duration time.Duration) int64 {
	ctx := metadata.AppendToOutgoingContext(context.Background(), "containerd-namespace", "bench")
	deadline := time.Now().Add(duration)
	var answered atomic.Int64
	var callers sync.WaitGroup
	for caller := 0; caller < inFlight; caller++ {
		callers.Add(1)
		go func(next int) {
			defer callers.Done()
			for ; time.Now().Before(deadline); next += inFlight {
				if _, err := client.Stat(ctx, &snapshotsapi.StatSnapshotRequest{Snapshotter: "thinsnap", Key: keys[next%len(keys)]}); err != nil {
					fail(err)
				}
				answered.Add(1)
			}
		}(caller)
	}
	callers.Wait()
	return answered.Load()
}

func fail(what any) {
	fmt.Fprintln(os.Stderr, "stat-client:", what)
	os.Exit(1)
}
