//go:build linux

// peer serves containerd's own devmapper snapshotter on a unix socket, as containerd would serve it to a client of its
// snapshots API. Its configuration is the plugin's own table; nothing here adds to or takes from what that code does.
//
//	peer CONFIG.toml SOCKET
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"

	snapshotsapi "github.com/containerd/containerd/api/services/snapshots/v1"
	"github.com/containerd/containerd/contrib/snapshotservice"
	"github.com/containerd/containerd/snapshots/devmapper"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "Usage: peer CONFIG.toml SOCKET")
		os.Exit(2)
	}
	if err := serve(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintf(os.Stderr, "peer: %v\n", err)
		os.Exit(1)
	}
}

func serve(configPath, socketPath string) error {
	stopped, forget := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
	defer forget()
	config, err := devmapper.LoadConfig(configPath)
	if err != nil {
		return fmt.Errorf("cannot use %s: %w", configPath, err)
	}
	snapshotter, err := devmapper.NewSnapshotter(context.Background(), config)
	if err != nil {
		return fmt.Errorf("cannot open the snapshotter: %w", err)
	}
	listener, err := net.Listen("unix", socketPath)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	snapshotsapi.RegisterSnapshotsServer(server, snapshotservice.FromSnapshotter(snapshotter))
	go func() {
		<-stopped.Done()
		server.GracefulStop()
	}()
	if err := server.Serve(listener); err != nil {
		return err
	}
	return snapshotter.Close()
}
