package glue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"

	"github.com/landfall/landfall/internal/reconcile"
)

// How the pace follows Glue's throttling, whose limits are not published: down
// by a share at most once a second, up by a little with every call that is served.
const (
	slowDown     = 0.7
	speedUp      = 0.1  // calls per second
	slowest      = 0.5  // calls per second
	unknownPace  = 20.0 // calls per second; what a client without a bound falls back from
	burstSeconds = 10
)

// pacer spaces calls.
type pacer struct {
	limiter *rate.Limiter

	mu      sync.Mutex
	most    float64 // zero is no bound
	now     float64 // zero is not bounded yet
	slowed  time.Time
	slowing bool
}

// newPacer starts with all the calls of a burst at hand: the first thing a function does is to start a blueprint run in
// each of its slots.
func newPacer() *pacer { return &pacer{limiter: rate.NewLimiter(rate.Inf, math.MaxInt32)} }

// Pace bounds how often Glue is called from here on; zero takes the bound away.
// What was not called is saved up for a few seconds: the calls of a step come
// together, and long waits follow. What throttling has taught stays.
func (c *Client) Pace(callsPerSecond float64) {
	p := c.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most = callsPerSecond
	if p.most > 0 && (p.now == 0 || p.now > p.most) {
		p.set(p.most)
	}
}

// set is called with the lock held.
func (p *pacer) set(callsPerSecond float64) {
	p.now = callsPerSecond
	burst := 1
	if !p.slowing {
		burst = max(1, int(burstSeconds*callsPerSecond))
	}
	p.limiter.SetBurst(burst)
	p.limiter.SetLimit(rate.Limit(callsPerSecond))
}

// throttled slows down; calls that were under way together count once.
func (p *pacer) throttled() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.slowed) < time.Second {
		return
	}
	p.slowed, p.slowing = time.Now(), true
	if p.now == 0 {
		p.now = unknownPace
	}
	p.set(max(slowest, p.now*slowDown))
}

// served speeds up again.
func (p *pacer) served() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.slowing {
		return
	}
	next := p.now + speedUp
	if p.most > 0 && next >= p.most {
		next, p.slowing = p.most, false
	}
	p.set(next)
}

// throttlings are the codes that ask for fewer calls.
var throttlings = []string{"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"}

func isThrottling(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && slices.Contains(throttlings, api.ErrorCode())
}

// paced makes every attempt of every call wait for its turn.
func (p *pacer) paced(stack *middleware.Stack) error {
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("Pace", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
		if err := p.limiter.Wait(ctx); err != nil {
			// There is no call left before the caller's time is over.
			return middleware.FinalizeOutput{}, middleware.Metadata{}, fmt.Errorf("%w: %w", reconcile.ErrBusy, err)
		}
		out, metadata, err := next.HandleFinalize(ctx, in)
		if isThrottling(err) {
			p.throttled()
		} else {
			p.served()
		}
		return out, metadata, err
	}), "Retry", middleware.After)
}
