//go:build linux

// What is measured: so many calls, so many of them in flight, each one's latency.

package main

import (
	"fmt"
	"sync"
	"time"
)

type phase struct {
	Name string `json:"name"`
	// Rounds before the ones that count are negative.
	Round  int     `json:"round"`
	WallMs float64 `json:"wallMs"`
	// Of the calls that went well, in the order of their answers.
	LatenciesMs []float64 `json:"latenciesMs"`
	// When those were answered, counted from the phase's start.
	AnsweredMs []float64 `json:"answeredMs"`
	// Calls that failed, by what they failed with.
	Failed map[string]int `json:"failed,omitempty"`
	// Other figures of the phase.
	Figures map[string]float64 `json:"figures,omitempty"`
}

// tally takes the times of calls that end side by side.
type tally struct {
	phase
	lock    sync.Mutex
	started time.Time
}

func newTally(name string, round int) *tally {
	empty := phase{Name: name, Round: round, LatenciesMs: []float64{}, AnsweredMs: []float64{}}
	return &tally{phase: empty, started: time.Now()}
}

// call makes one call, and notes how long it took or what it failed with.
func (t *tally) call(act func() error) error {
	began := time.Now()
	err := act()
	ended := time.Now()
	t.lock.Lock()
	defer t.lock.Unlock()
	if err == nil {
		t.LatenciesMs = append(t.LatenciesMs, toMs(ended.Sub(began)))
		t.AnsweredMs = append(t.AnsweredMs, toMs(ended.Sub(t.started)))
		return nil
	}
	if t.Failed == nil {
		t.Failed = map[string]int{}
	}
	t.Failed[err.Error()]++
	return err
}

func (t *tally) figure(name string, value float64) {
	if t.Figures == nil {
		t.Figures = map[string]float64{}
	}
	t.Figures[name] = value
}

func (t *tally) end() phase {
	t.WallMs = toMs(time.Since(t.started))
	return t.phase
}

// sideBySide runs work for 0..count-1, atOnce of them in flight, all first ones let go at one moment.
func sideBySide(count, atOnce int, work func(number int)) {
	if atOnce > count {
		atOnce = count
	}
	numbers := make(chan int, count)
	for number := 0; number < count; number++ {
		numbers <- number
	}
	close(numbers)
	var ready, done sync.WaitGroup
	letGo := make(chan struct{})
	for worker := 0; worker < atOnce; worker++ {
		ready.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			ready.Done()
			<-letGo
			for number := range numbers {
				work(number)
			}
		}()
	}
	ready.Wait()
	close(letGo)
	done.Wait()
}

// measure is one phase of count calls.
func measure(name string, round int, count, atOnce int, act func(number int) error) phase {
	t := newTally(name, round)
	sideBySide(count, atOnce, func(number int) { _ = t.call(func() error { return act(number) }) })
	return t.end()
}

// mustAll is for what is made beforehand or taken away afterwards: no failure is let pass.
func mustAll(what string, count, atOnce int, act func(number int) error) error {
	done := measure(what, 0, count, atOnce, act)
	for text, failed := range done.Failed {
		return fmt.Errorf("cannot %s: %d of %d failed, one with: %s", what, failed, count, text)
	}
	return nil
}

func toMs(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
