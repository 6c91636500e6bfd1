package main

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/landfall/landfall/internal/terminal"
)

// backfillCommand asks for rows to be looked at again.
type backfillCommand struct {
	tableFlags
	From    string `required:"" help:"First value of the cursor." placeholder:"VALUE"`
	To      string `required:"" help:"The value before which to end." placeholder:"VALUE"`
	NoStart bool   `help:"Leave it to the next scheduled run, rather than starting the workflow."`
}

// Run asks the next job run to land what is missing or different, and starts it.
func (c *backfillCommand) Run(a *app) error {
	t, err := c.find(a)
	if err != nil {
		return err
	}
	r, asked, err := t.store.Backfill(a.ctx, t.place, t.table, c.From, c.To, author())
	if err != nil {
		return err
	}
	text := fmt.Sprintf("Backfill %s of %s from %s to %s is asked for.", r.ID, t.table, c.From, c.To)
	if !asked {
		text = fmt.Sprintf("Backfill %s of %s from %s to %s was asked for already.", r.ID, t.table, c.From, c.To)
	}
	next := " The next run of workflow " + t.row.Workflow + " does it."
	if !c.NoStart {
		started, err := t.start(a)
		if err != nil {
			return err
		}
		next = " Workflow " + t.row.Workflow + " was started to do it."
		if !started {
			next = " Workflow " + t.row.Workflow + " is running: that run does it, or the next one."
		}
	}
	fmt.Fprintln(a.stdout, terminal.Clean(text+next, 0))
	return nil
}

// isRunning tells that a workflow was not started because it is running.
func isRunning(err error) bool {
	_, running := errors.AsType[*types.ConcurrentRunsExceededException](err)
	return running
}
