//go:build linux

// The rows of the bench's table, each a measurement of its own.

package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// firstRound is negative, for the rounds that do not count.
func (o options) firstRound() int { return -o.warmUp }

// burst prepares snapshots of one committed parent, all at once; then removes them, all at once; then has what was put
// off done (Cleanup). With a standby, what the first rounds ask for is ready in the later ones.
func burst(s *session) (phases []phase, err error) {
	parent, err := s.makeParent()
	if err != nil {
		return nil, err
	}
	for round := s.firstRound(); round < s.rounds; round++ {
		if err := untilSettled(s.settle); err != nil {
			return nil, err
		}
		prepared := measure("prepare", round, s.count, s.atOnce, func(number int) error {
			_, err := s.prepare(s.key(round, number), parent)
			return err
		})
		began := time.Now()
		removed := measure("remove", round, s.count, s.atOnce, func(number int) error { return s.remove(s.key(round, number)) })
		cleaned := measure("cleanup", round, 1, 1, func(int) error { return s.cleanup() })
		cleaned.Figures = map[string]float64{"sinceFirstRemoveMs": toMs(time.Since(began))}
		phases = append(phases, prepared, removed, cleaned)
	}
	return phases, s.removeParent(parent)
}

// cycle has clients that do Prepare, Mounts, Commit, Remove, over and over.
func cycle(s *session) ([]phase, error) {
	parent, err := s.makeParent()
	if err != nil {
		return nil, err
	}
	var phases []phase
	for round := s.firstRound(); round < s.rounds; round++ {
		if err := untilSettled(s.settle); err != nil {
			return nil, err
		}
		calls := map[string]*tally{}
		for _, name := range []string{"prepare", "mounts", "commit", "remove"} {
			calls[name] = newTally("cycle-"+name, round)
		}
		whole := measure("cycle", round, s.count, s.atOnce, func(number int) error { return s.cycleOnce(calls, s.key(round, number), parent) })
		phases = append(phases, whole)
		for _, each := range calls {
			each.WallMs = whole.WallMs
			phases = append(phases, each.phase)
		}
	}
	return phases, s.removeParent(parent)
}

func (s *session) cycleOnce(calls map[string]*tally, key, parent string) error {
	name := key + "-committed"
	steps := []struct {
		name string
		call func() error
	}{
		{"prepare", func() error { _, err := s.prepare(key, parent); return err }},
		{"mounts", func() error { return s.mounts(key) }},
		{"commit", func() error { return s.commit(name, key) }},
		{"remove", func() error { return s.remove(name) }},
	}
	for _, step := range steps {
		if err := calls[step.name].call(step.call); err != nil {
			return err
		}
	}
	return nil
}

// base prepares snapshots without a parent: empty file systems.
func base(s *session) ([]phase, error) {
	var phases []phase
	for round := s.firstRound(); round < s.rounds; round++ {
		if err := untilSettled(s.settle); err != nil {
			return nil, err
		}
		phases = append(phases, measure("base", round, s.count, s.atOnce, func(number int) error {
			_, err := s.prepare(s.key(round, number), "")
			return err
		}))
		if err := s.removeAll(round, s.count); err != nil {
			return nil, err
		}
	}
	return phases, nil
}

// usage asks for the usage of so many active snapshots, one after another.
func usage(s *session) ([]phase, error) {
	parent, err := s.makeParent()
	if err != nil {
		return nil, err
	}
	const round = 0
	err = mustAll("prepare", s.count, s.atOnce, func(number int) error {
		_, err := s.prepare(s.key(round, number), parent)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := untilSettled(s.settle); err != nil {
		return nil, err
	}
	asked := measure("usage", round, s.count, 1, func(number int) error { return s.usageOf(s.key(round, number)) })
	if err := s.removeAll(round, s.count); err != nil {
		return nil, err
	}
	return []phase{asked}, s.removeParent(parent)
}

// busy removes a snapshot that is mounted, and sees what the calls of others take before and meanwhile.
func busy(s *session) (phases []phase, err error) {
	parent, err := s.makeParent()
	if err != nil {
		return nil, err
	}
	const beforeRound, duringRound, busyRound = 0, 1, 2
	key := s.key(busyRound, 0)
	mounts, err := s.prepare(key, parent)
	if err != nil {
		return nil, err
	}
	target, err := os.MkdirTemp("/run", "thinsnap-bench-")
	if err != nil {
		return nil, err
	}
	if err := unix.Mount(mounts[0].Source, target, mounts[0].Type, 0, ""); err != nil {
		return nil, fmt.Errorf("cannot mount %s: %w", mounts[0].Source, err)
	}
	mounted := true
	unmount := func() error {
		if !mounted {
			return nil
		}
		mounted = false
		return unix.Unmount(target, 0)
	}
	defer unmount()
	// One by one, with no pause: what one client sees.
	others := func(name string, round int) phase {
		return measure(name, round, s.count, 1, func(number int) error {
			_, err := s.prepare(s.key(round, number), parent)
			return err
		})
	}
	phases = append(phases, others("others-before", beforeRound))
	removal := newTally("busy-remove", 0)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_ = removal.call(func() error { return s.remove(key) })
	}()
	othersDone := make(chan phase, 1)
	go func() { othersDone <- others("others-during", duringRound) }()
	select {
	case <-answered:
		removal.figure("answeredWhileBusy", 1)
	case <-time.After(s.limit):
		removal.figure("answeredWhileBusy", 0)
	}
	// Never before the others are done, or the limit is over: they are to be measured beside a busy device.
	select {
	case during := <-othersDone:
		othersDone <- during
	case <-time.After(s.limit):
	}
	if err := unmount(); err != nil {
		return nil, err
	}
	<-answered
	phases = append(phases, removal.end(), <-othersDone)
	for _, round := range []int{beforeRound, duringRound} {
		if err := s.removeAll(round, s.count); err != nil {
			return nil, err
		}
	}
	return phases, s.removeParent(parent)
}

func (s *session) removeAll(round, count int) error {
	err := mustAll("remove", count, s.atOnce, func(number int) error { return s.remove(s.key(round, number)) })
	if err != nil {
		return err
	}
	return s.cleanup()
}

func (s *session) removeParent(parent string) error {
	if err := s.remove(parent); err != nil {
		return fmt.Errorf("cannot remove the parent: %w", err)
	}
	return s.cleanup()
}
