package main

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/landfall/landfall/internal/terminal"
)

// backfillCommand requests that a job run reads rows again.
type backfillCommand struct {
	tableFlags
	From    string `required:"" help:"First value of the cursor." placeholder:"VALUE"`
	To      string `required:"" help:"The value before which to end." placeholder:"VALUE"`
	NoStart bool   `help:"Leave it to the next scheduled workflow run, rather than starting the workflow."`
}

// Run requests a backfill, and starts the workflow whose job run handles it.
func (c *backfillCommand) Run(a *app) error {
	t, err := c.find(a)
	if err != nil {
		return err
	}
	r, created, err := t.store.Backfill(a.ctx, t.place, t.table, c.From, c.To, author())
	if err != nil {
		return err
	}
	text := fmt.Sprintf("Backfill %s of %s from %s to %s is requested.", r.ID, t.table, c.From, c.To)
	if !created {
		text = fmt.Sprintf("Backfill %s of %s from %s to %s was already requested.", r.ID, t.table, c.From, c.To)
	}
	next := " The next run of workflow " + t.row.Workflow + " handles it."
	if !c.NoStart {
		started, err := t.start(a)
		if err != nil {
			return err
		}
		next = " Workflow " + t.row.Workflow + " was started to handle it."
		if !started {
			next = " Workflow " + t.row.Workflow + " is running: this workflow run handles it, or the next one."
		}
	}
	fmt.Fprintln(a.stdout, terminal.Clean(text+next, 0))
	return nil
}

// isRunning reports whether a workflow was not started because it is running.
func isRunning(err error) bool {
	_, running := errors.AsType[*types.ConcurrentRunsExceededException](err)
	return running
}
