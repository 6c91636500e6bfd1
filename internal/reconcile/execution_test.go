package reconcile_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/landfall/landfall/internal/lambda"
	"github.com/landfall/landfall/internal/local/stepfunctions"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/report"
	"github.com/landfall/landfall/internal/telemetry"
	"github.com/landfall/landfall/statemachine"
)

func (w *system) execute(ctx context.Context, catalogKey string) report.Result {
	w.t.Helper()
	result, err := w.start(ctx, reconcile.Request{Catalog: catalogKey})
	if err != nil {
		w.t.Fatal(err)
	}
	return result
}

// start makes one execution. It returns an error when it was stopped.
func (w *system) start(ctx context.Context, request reconcile.Request) (report.Result, error) {
	time.Sleep(time.Second) // a call of a stopped execution that is under way is done before the next one begins
	w.mu.Lock()
	w.n++
	name := fmt.Sprintf("e%d", w.n)
	w.running[name], w.path = true, nil
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.running[name] = false
	}()
	entered := 0
	tasks := &taskCalls{functions: w.tasks(), read: w.object}
	e := &stepfunctions.Execution{Machine: definition(), Services: tasks, Name: name, ARN: name}
	e.Entered = func(state string) error {
		w.mu.Lock()
		entered++
		w.path = append(w.path, state)
		stop := w.stopAt != 0 && entered == w.stopAt
		w.mu.Unlock()
		w.interceptor.mu.Lock()
		defer w.interceptor.mu.Unlock()
		if stop {
			w.interceptor.stop()
		}
		if w.interceptor.stopped {
			return errStopped
		}
		return nil
	}
	input, err := json.Marshal(request)
	if err != nil {
		return report.Result{}, err
	}
	if _, err := e.Run(ctx, input); err != nil {
		return report.Result{}, err
	}
	return tasks.result, nil
}

// noMetrics drops measurements.
type noMetrics struct{}

func (noMetrics) Emit(telemetry.Measurement) {}

// definition is the state machine, with a function's place taken by its Task's name.
var definition = sync.OnceValue(func() *stepfunctions.Machine {
	m, err := stepfunctions.Parse(statemachine.Definition)
	if err != nil {
		panic(err)
	}
	return m
})

// taskCalls are what the state machine calls.
type taskCalls struct {
	functions map[string]func(context.Context, json.RawMessage) (any, error)
	read      func(key string) ([]byte, error)
	result    report.Result
}

// Invoke implements stepfunctions.Services.
func (c *taskCalls) Invoke(ctx context.Context, name string, payload []byte) ([]byte, error) {
	task := strings.TrimSuffix(strings.TrimPrefix(name, "${"), "Function}")
	out, err := c.functions[task](ctx, payload)
	switch {
	case errors.Is(err, errStopped):
		return nil, err
	case err != nil:
		return nil, &stepfunctions.Failure{Name: kindOf(err), Cause: err.Error()}
	}
	if result, ok := out.(report.Result); ok {
		c.result = result
	}
	return json.Marshal(out)
}

// Publish implements stepfunctions.Services.
func (c *taskCalls) Publish(context.Context, any) error { return nil }

// Object implements stepfunctions.Services.
func (c *taskCalls) Object(_ context.Context, _, key string) ([]byte, error) { return c.read(key) }

var errStopped = errors.New("the execution was stopped")

var errKilled = errors.New("the function was killed")

func kindOf(err error) string {
	if errors.Is(err, errKilled) {
		return "Sandbox.Timedout"
	}
	return lambda.Type(err)
}

// function is a Task as a Lambda function that may be killed.
func function[In, Out any](w *system, f func(context.Context, In) (Out, error)) func(context.Context, json.RawMessage) (any, error) {
	return func(ctx context.Context, payload json.RawMessage) (any, error) {
		var in In
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, err
		}
		ctx, i, end := w.interceptor.invoke(ctx)
		w.interceptor.mu.Lock()
		left := w.interceptor.left
		w.interceptor.mu.Unlock()
		var out Out
		var err error
		done := make(chan struct{})
		w.functions.Go(func() {
			defer close(done)
			defer end()
			out, err = f(ctx, in)
		})
		select {
		case <-done:
		case <-left:
			return nil, errStopped
		}
		w.interceptor.mu.Lock()
		defer w.interceptor.mu.Unlock()
		switch {
		case w.interceptor.stopped:
			return nil, errStopped
		case i.killed:
			return nil, errKilled
		}
		return out, err
	}
}
