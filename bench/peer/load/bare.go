//go:build linux

// The floor of a Prepare that finds nothing made ahead: the same calls to the kernel, and nothing else. A thread each,
// blocking, with no queue, no record and no runtime of ours between them, so that what it reaches is the kernel's own
// figure for this machine and so many threads.

package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

const (
	// Far from what a fresh pool's users number from 0 on.
	bareIds     = 8_000_000
	bareSectors = 1 << 30 / 512
	barePrefix  = "thinsnap-bench-bare-"
)

// bare makes count snapshots of one inactive, formatted device on so many threads, and takes them away again.
func bare(o options) (phases []phase, err error) {
	// A goroutine in a system call keeps its processor until the runtime's monitor takes it away, which it does late: with
	// one for each thread nobody waits for that.
	runtime.GOMAXPROCS(o.threads + 2)
	controls := make(chan control, o.threads)
	for thread := 0; thread < o.threads; thread++ {
		opened, err := openControl()
		if err != nil {
			return nil, err
		}
		defer opened.file.Close()
		controls <- opened
	}
	// One open door for each that is in flight.
	with := func(act func(dm control) error) error {
		dm := <-controls
		defer func() { controls <- dm }()
		return act(dm)
	}
	if err := with(o.bareOrigin); err != nil {
		return nil, fmt.Errorf("cannot make the origin: %w", err)
	}
	for round := o.firstRound(); round < o.rounds; round++ {
		phases = append(phases,
			measure("bare-make", round, o.count, o.threads, func(number int) error {
				return with(func(dm control) error { return o.bareMake(dm, number+1) })
			}),
			measure("bare-deactivate", round, o.count, o.threads, func(number int) error {
				return with(func(dm control) error { return o.bareDeactivate(dm, number+1) })
			}),
			measure("bare-delete", round, o.count, o.threads, func(number int) error {
				return with(func(dm control) error { return dm.message(o.pool, fmt.Sprintf("delete %d", bareIds+number+1)) })
			}))
	}
	return phases, with(func(dm control) error { return dm.message(o.pool, fmt.Sprintf("delete %d", bareIds)) })
}

// bareOrigin formats a device, as a parent's is formatted, and leaves it inactive.
func (o options) bareOrigin(dm control) error {
	if err := dm.message(o.pool, fmt.Sprintf("create_thin %d", bareIds)); err != nil {
		return err
	}
	if err := o.bareActivate(dm, 0); err != nil {
		return err
	}
	path := "/dev/mapper/" + bareName(0)
	if said, err := exec.Command("mkfs.ext4", "-q", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", path).CombinedOutput(); err != nil {
		return fmt.Errorf("mkfs.ext4 %s: %w: %s", path, err, said)
	}
	return o.bareDeactivate(dm, 0)
}

func (o options) bareMake(dm control, number int) error {
	if err := dm.message(o.pool, fmt.Sprintf("create_snap %d %d", bareIds+number, bareIds)); err != nil {
		return err
	}
	if err := o.bareActivate(dm, number); err != nil {
		return err
	}
	line, err := dm.poolStatus(o.pool)
	if err != nil {
		return err
	}
	if !strings.Contains(line, " rw ") || strings.Contains(line, "needs_check") {
		return fmt.Errorf("the pool is not sound: %s", line)
	}
	return nil
}

func (o options) bareActivate(dm control, number int) error {
	name := bareName(number)
	minor, err := dm.create(name, fmt.Sprintf("%suuid-%d", barePrefix, number))
	if err != nil {
		return err
	}
	if err := dm.load(name, "thin", fmt.Sprintf("/dev/mapper/%s %d", o.pool, bareIds+number), bareSectors); err != nil {
		return err
	}
	if err := dm.resume(name); err != nil {
		return err
	}
	// A udevd makes the same link, sooner or later.
	if err := os.Symlink(fmt.Sprintf("../dm-%d", minor), "/dev/mapper/"+name); err != nil && !os.IsExist(err) {
		return err
	}
	return nil
}

func (o options) bareDeactivate(dm control, number int) error {
	name := bareName(number)
	if err := dm.remove(name); err != nil {
		return err
	}
	if err := os.Remove("/dev/mapper/" + name); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

func bareName(number int) string { return fmt.Sprintf("%s%d", barePrefix, number) }
