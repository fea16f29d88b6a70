//go:build linux

// The snapshots API as the measurements use it: one connection, as containerd has one.

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	snapshotsapi "github.com/containerd/containerd/api/services/snapshots/v1"
	"github.com/containerd/containerd/api/types"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	connectLimit = 30 * time.Second
	// The peer is slow, and 64 calls wait for each other there; it must end all the same.
	callLimit    = 10 * time.Minute
	messageBytes = 16 << 20
	namespace    = "bench"
)

type session struct {
	options
	api snapshotsapi.SnapshotsClient
	// Unique in the life of a daemon, so that one measurement's keys are never another's.
	id string
}

func withSession(measurement func(*session) ([]phase, error)) func(options) ([]phase, error) {
	return func(o options) ([]phase, error) {
		ctx, cancel := context.WithTimeout(context.Background(), connectLimit)
		defer cancel()
		connection, err := grpc.DialContext(ctx, "unix://"+o.socket, grpc.WithInsecure(), grpc.WithBlock(), grpc.WithAuthority("localhost"),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(messageBytes), grpc.MaxCallSendMsgSize(messageBytes)))
		if err != nil {
			return nil, fmt.Errorf("cannot connect to %s: %w", o.socket, err)
		}
		defer connection.Close()
		id := fmt.Sprintf("%s-%d-%d", o.prefix, time.Now().Unix(), os.Getpid())
		return measurement(&session{options: o, api: snapshotsapi.NewSnapshotsClient(connection), id: id})
	}
}

func inTime(call func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), callLimit)
	defer cancel()
	return call(metadata.AppendToOutgoingContext(ctx, "containerd-namespace", namespace))
}

// As containerd labels what it makes, so that records have their usual size.
func labels() map[string]string {
	return map[string]string{"containerd.io/gc.root": "2024-01-01T00:00:00Z", "containerd.io/snapshot/bench": "yes"}
}

func (s *session) prepare(key, parent string) (mounts []*types.Mount, err error) {
	err = inTime(func(ctx context.Context) error {
		answer, err := s.api.Prepare(ctx, &snapshotsapi.PrepareSnapshotRequest{Key: key, Parent: parent, Labels: labels()})
		if err == nil {
			mounts = answer.Mounts
		}
		return err
	})
	return mounts, err
}

func (s *session) mounts(key string) error {
	return inTime(func(ctx context.Context) error {
		_, err := s.api.Mounts(ctx, &snapshotsapi.MountsRequest{Key: key})
		return err
	})
}

func (s *session) commit(name, key string) error {
	return inTime(func(ctx context.Context) error {
		_, err := s.api.Commit(ctx, &snapshotsapi.CommitSnapshotRequest{Name: name, Key: key, Labels: labels()})
		return err
	})
}

func (s *session) remove(key string) error {
	return inTime(func(ctx context.Context) error {
		_, err := s.api.Remove(ctx, &snapshotsapi.RemoveSnapshotRequest{Key: key})
		return err
	})
}

func (s *session) stat(key string) error {
	return inTime(func(ctx context.Context) error {
		_, err := s.api.Stat(ctx, &snapshotsapi.StatSnapshotRequest{Key: key})
		return err
	})
}

func (s *session) usageOf(key string) error {
	return inTime(func(ctx context.Context) error {
		_, err := s.api.Usage(ctx, &snapshotsapi.UsageRequest{Key: key})
		return err
	})
}

// cleanup is what containerd asks for after it has removed what it wanted to.
func (s *session) cleanup() error {
	return inTime(func(ctx context.Context) error {
		_, err := s.api.Cleanup(ctx, &snapshotsapi.CleanupRequest{})
		if status.Code(err) == codes.Unimplemented {
			return nil
		}
		return err
	})
}

// list answers how many snapshots there are.
func (s *session) list() (count int, err error) {
	err = inTime(func(ctx context.Context) error {
		stream, err := s.api.List(ctx, &snapshotsapi.ListSnapshotsRequest{})
		if err != nil {
			return err
		}
		for {
			answer, err := stream.Recv()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			count += len(answer.Info)
		}
	})
	return count, err
}

// makeParent makes a committed snapshot, as an image's top layer is one.
func (s *session) makeParent() (name string, err error) {
	name = s.id + "-parent"
	if _, err = s.prepare(s.id+"-unpacking", ""); err != nil {
		return "", fmt.Errorf("cannot prepare the parent: %w", err)
	}
	if err = s.commit(name, s.id+"-unpacking"); err != nil {
		return "", fmt.Errorf("cannot commit the parent: %w", err)
	}
	return name, nil
}

func (s *session) key(round, number int) string {
	// Of the length that containerd's keys have.
	return fmt.Sprintf("%s/%d/%d/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", s.id, round, number)
}
