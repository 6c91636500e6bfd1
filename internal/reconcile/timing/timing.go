// Package timing has every interval and limit of the Tasks, because they only
// make sense together.
//
// Glue works in the background: a blueprint run takes 10 to 60 seconds, the
// deletion of a trigger up to some minutes, a workflow run as long as its load.
// A Task therefore polls, and each kind of waiting has a Backoff that fits it.
//
// ApplyChange waits in two places. A wait of up to MaxSleep is made in the
// function: a Wait state costs three state transitions, as much as 22 seconds of
// the function. A longer one is left to the state machine, as is everything after
// InvocationBudget: the function times out after five minutes, and what a killed
// function did is done again.
//
// Limits grow from the inside out, so that the inner one always reports first:
// a step of a change (StepLimit) is shorter than a blueprint run that hangs
// (RunHangs), and that is shorter than a change (ChangeLimit); the wait for
// another execution (LockLimit) covers several rounds of changes. Time in which
// a change waits for a running workflow does not count: how long a load takes is
// the table's own.
//
// Below all of this the SDK repeats a call that Glue throttles or fails, and
// internal/glue limits the rate of calls; those constants are in glue.go and
// ratelimit.go there. A change that still gets an error repeats its step, up to
// ErrorLimit times in a row.
package timing

import "time"

// Locks of catalogs.
const (
	// LockPollFirst and LockPoll are the first and every later wait for the execution that has the lock.
	LockPollFirst = 2 * time.Second
	LockPoll      = 10 * time.Second
	// LockLimit is how long an execution waits for another one.
	LockLimit = 2 * time.Hour
	// LockRecheck is how long a check of the lock stays valid.
	LockRecheck = 2 * time.Second
)

// Registration of blueprints.
const (
	// RegistrationPoll is the poll interval of a registration, RegistrationPollSlow the one after RegistrationExpected.
	RegistrationPoll     = time.Second
	RegistrationPollSlow = 5 * time.Second
	RegistrationExpected = 20 * time.Second
	// RegistrationLimit is how long a registration may take.
	RegistrationLimit = 10 * time.Minute
)

// Blueprint runs.
const (
	// RunExpected is the assumed duration of a blueprint run until one has been measured.
	RunExpected = 2 * time.Minute
	// RunHangs is the age at which a blueprint run counts as hung: such runs are known from the field.
	RunHangs = 20 * time.Minute
	// RunPollOverdue is the first poll interval once a run has exceeded the shortest one seen by this item of the Map.
	RunPollOverdue = 250 * time.Millisecond
	// RunPollCoalescing is how much earlier a run is polled because another one is due: runs that start together end together.
	RunPollCoalescing = 600 * time.Millisecond
)

// One invocation of ApplyChange.
const (
	// InvocationBudget is the time after which an invocation begins nothing more.
	InvocationBudget = time.Minute
	// MaxSleep is the longest wait inside the function.
	MaxSleep = 5 * time.Second
	// StepLimit bounds one step of one change. A throttled Glue may serve one call every two seconds, for all tables together.
	StepLimit = 2 * time.Minute
)

// One change.
const (
	// ChangeLimit is how long a change may take, without the time in which it waits for a running workflow.
	ChangeLimit = 30 * time.Minute
	// ErrorLimit is how many steps of a change, or reads of an invocation, may fail in a row.
	ErrorLimit = 8
	// BusyLimit is how often the update of an active trigger may find Glue busy before that is taken as a refusal.
	BusyLimit = 3
	// MinTimeToFire is the least time that must remain before a trigger fires for it to be deactivated.
	MinTimeToFire = 5 * time.Minute
)

// Backoff says how long to wait before the next poll: until Initial has passed,
// then 1/Fraction of the elapsed time, between Floor and Ceiling.
type Backoff struct {
	Initial, Floor, Ceiling time.Duration
	Fraction                int
}

// The backoffs. Glue needs tens of seconds for a blueprint run, seconds to change
// a trigger, and up to minutes to delete one.
var (
	Immediately     = Backoff{Fraction: 1}
	BlueprintRun    = Backoff{Initial: 10 * time.Second, Floor: time.Second, Ceiling: 20 * time.Second, Fraction: 20}
	TriggerChange   = Backoff{Initial: 4 * time.Second, Floor: 2 * time.Second, Ceiling: 10 * time.Second, Fraction: 4}
	TriggerDeletion = Backoff{Initial: 30 * time.Second, Floor: 5 * time.Second, Ceiling: 30 * time.Second, Fraction: 3}
	WorkflowRun     = Backoff{Initial: 15 * time.Second, Floor: 15 * time.Second, Ceiling: time.Minute, Fraction: 5}
)

// Next returns the wait after elapsed time in the same step.
func (b Backoff) Next(elapsed time.Duration) time.Duration {
	return min(max(elapsed/time.Duration(b.Fraction), b.Floor, b.Initial-elapsed), max(b.Ceiling, b.Floor))
}
