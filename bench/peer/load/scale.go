//go:build linux

// What calls cost with many snapshots present: `fill` makes them, `present` measures beside them.

package main

import (
	"fmt"
)

const presentRound = 1

// fill makes committed snapshots of one parent, count in all with those that are active and the parent; numbering goes on
// from what an earlier fill with the same prefix has made.
func fill(s *session) ([]phase, error) {
	have, err := s.list()
	if err != nil {
		return nil, err
	}
	if have == 0 {
		s.id = s.prefix
		if _, err := s.makeParent(); err != nil {
			return nil, err
		}
		have = 1
	}
	s.id = s.prefix
	parent := s.prefix + "-parent"
	t := newTally("fill", 0)
	sideBySide(s.count-have, s.atOnce, func(number int) {
		key := s.key(0, have+number)
		_ = t.call(func() error {
			if _, err := s.prepare(key, parent); err != nil {
				return err
			}
			if number < s.active {
				return nil
			}
			return s.commit(key+"-committed", key)
		})
	})
	for text, failed := range t.Failed {
		return nil, fmt.Errorf("%d could not be made, one of them: %s", failed, text)
	}
	return []phase{t.end()}, nil
}

// present measures Prepare, Usage, List and Remove beside what fill has made.
func present(s *session) (phases []phase, err error) {
	parent := s.prefix + "-parent"
	for round := s.firstRound(); round < s.rounds; round++ {
		if err := untilSettled(s.settle); err != nil {
			return nil, err
		}
		keys := presentRound + round
		phases = append(phases,
			measure("prepare", round, s.count, s.atOnce, func(number int) error {
				_, err := s.prepare(s.key(keys, number), parent)
				return err
			}),
			measure("usage", round, s.count, 1, func(number int) error { return s.usageOf(s.key(keys, number)) }),
			measure("list", round, 1, 1, func(int) error {
				_, err := s.list()
				return err
			}),
			measure("stat", round, s.count, 1, func(number int) error { return s.stat(s.key(keys, number)) }),
			measure("remove", round, s.count, s.atOnce, func(number int) error { return s.remove(s.key(keys, number)) }))
		if err := s.cleanup(); err != nil {
			return nil, err
		}
	}
	return phases, nil
}
