package glue

import (
	"sync"
	"time"
)

// throttle is a token bucket over all calls.
type throttle struct {
	mu     sync.Mutex
	tokens float64
	last   time.Time
}

func (t *throttle) take(q Quotas) bool {
	if q.CallsPerSecond < 0 {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if t.last.IsZero() {
		t.tokens = float64(q.CallsPerSecondMax)
	} else {
		t.tokens = min(float64(q.CallsPerSecondMax), t.tokens+now.Sub(t.last).Seconds()*float64(q.CallsPerSecond))
	}
	t.last = now
	if t.tokens < 1 {
		return false
	}
	t.tokens--
	return true
}
