package clock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landfall/landfall/internal/local/clock"
)

func TestAFastClockIsTheSameInEveryProcess(t *testing.T) {
	epoch := time.Now().Add(-time.Second)
	fast := clock.Fast(1000, epoch)
	other, err := clock.Parse(fast.String())
	if err != nil {
		t.Fatal(err)
	}
	first, second := fast.Now(), other.Now()
	if ahead := first.Sub(epoch); ahead < 1000*time.Second {
		t.Errorf("%s since the epoch, want at least 1,000 s: a second has gone by", ahead)
	}
	if second.Before(first) {
		t.Errorf("the other process's clock is %s behind", first.Sub(second))
	}
}

// A function that fell back to real time would make a benchmark wait for hours instead of fail.
func TestParseRefusesWhatIsNoClock(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "no epoch": "10", "no number": "x@1", "stands still": "0@1", "backwards": "-2@1"} {
		t.Run(name, func(t *testing.T) {
			if c, err := clock.Parse(text); err == nil {
				t.Errorf("%q was read as %v", text, c)
			}
		})
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := clock.Fast(1, time.Now()).Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that the context was canceled", err)
	}
	if err := clock.Fast(1e9, time.Now()).Sleep(t.Context(), time.Hour); err != nil {
		t.Error(err)
	}
}

// The interpreter of the state machine has such a clock when a test sets no scale; its waits would else take no time.
func TestTheZeroClockIsTheMachines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, ahead := time.Now(), clock.Clock{}.Now()
		if err := (clock.Clock{}).Sleep(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited != time.Minute || !ahead.Equal(began) {
			t.Errorf("waited %s of a minute; now is %s where the machine has %s", waited, ahead, began)
		}
	})
}
