package clock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/landfall/landfall/internal/local/clock"
)

func TestAFastClockIsTheSameInEveryProcess(t *testing.T) {
	epoch := time.Now().Add(-time.Second)
	fast := clock.Fast(1000, epoch)
	t.Setenv(clock.Variable, fast.String())
	other := clock.New()
	first, second := fast.Now(), other.Now()
	if ahead := first.Sub(epoch); ahead < 1000*time.Second {
		t.Errorf("%s since the epoch, want at least 1,000 s: a second has gone by", ahead)
	}
	if second.Before(first) {
		t.Errorf("the other process's clock is %s behind", first.Sub(second))
	}
}

func TestWithoutTheVariableItIsTime(t *testing.T) {
	for name, value := range map[string]string{"unset": "", "no epoch": "10", "no number": "x@1", "stands still": "0@1", "backwards": "-2@1"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(clock.Variable, value)
			if got := clock.New(); got != (clock.Clock{}) {
				t.Errorf("%v, want time itself", got)
			}
		})
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (clock.Clock{}).Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that the context was canceled", err)
	}
	if err := clock.Fast(1e9, time.Now()).Sleep(t.Context(), time.Hour); err != nil {
		t.Error(err)
	}
}
