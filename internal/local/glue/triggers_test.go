package glue_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/local/glue"
)

func scheduled(workflow, name, cron string, jobs ...string) *sdk.CreateTriggerInput {
	in := onDemand(workflow, name, jobs...)
	in.Type, in.Schedule = types.TriggerTypeScheduled, &cron
	return in
}

func TestTriggersThatAreRefused(t *testing.T) {
	conditions := func(n int) *types.Predicate {
		p := &types.Predicate{}
		for range n {
			p.Conditions = append(p.Conditions, types.Condition{JobName: new("a"), State: types.JobRunStateSucceeded, LogicalOperator: types.LogicalOperatorEquals})
		}
		return p
	}
	conditional := func(p *types.Predicate) *sdk.CreateTriggerInput {
		return &sdk.CreateTriggerInput{
			Name: new("t"), WorkflowName: new("w"), Type: types.TriggerTypeConditional, Actions: jobAction("b"), Predicate: p,
		}
	}
	one := func(c types.Condition) *sdk.CreateTriggerInput {
		return conditional(&types.Predicate{Conditions: []types.Condition{c}})
	}
	crawlers := onDemand("w", "t")
	for _, name := range []string{"x", "y", "z"} {
		crawlers.Actions = append(crawlers.Actions, types.Action{CrawlerName: &name})
	}
	starting := onDemand("w", "t", "a")
	starting.StartOnCreation = true
	tests := map[string]struct {
		reason string
		in     *sdk.CreateTriggerInput
		code   string
		words  string
	}{
		"NoActions":        {reason: "API then rejects Actions: []", in: &sdk.CreateTriggerInput{Name: new("t"), Type: types.TriggerTypeOnDemand, Actions: []types.Action{}}, words: "Actions cannot be null or empty"},
		"FiftyOneJobs":     {reason: "≤50 job actions per trigger", in: onDemand("w", "t", slices.Repeat([]string{"a"}, 51)...), words: "more than 50 jobs"},
		"ThreeCrawlers":    {reason: "Actions cannot contain more than two crawlers (LIB#4)", in: crawlers, words: "Actions cannot contain more than two crawlers"},
		"ActionOfNothing":  {reason: "Action: JobName | CrawlerName", in: &sdk.CreateTriggerInput{Name: new("t"), Type: types.TriggerTypeOnDemand, Actions: []types.Action{{}}}, words: "either a JobName or a CrawlerName"},
		"BadCron":          {reason: "The schedule cron(…) is invalid.", in: scheduled("w", "t", "cron(0 0 * * * *)", "a"), words: "The schedule cron(0 0 * * * *) is invalid."},
		"FiveFields":       {reason: "The schedule cron(…) is invalid.", in: scheduled("w", "t", "cron(0 0 * * ?)", "a"), words: "The schedule cron(0 0 * * ?) is invalid."},
		"NoCron":           {reason: "The schedule cron(…) is invalid.", in: scheduled("w", "t", "rate(5 minutes)", "a"), words: "The schedule rate(5 minutes) is invalid."},
		"NoSchedule":       {reason: "SCHEDULED needs a schedule", in: scheduled("w", "t", "", "a"), words: "Schedule cannot be null or empty"},
		"StartOnDemand":    {reason: "StartOnCreation:true not supported for ON_DEMAND", in: starting, words: "StartOnCreation is not supported for ON_DEMAND"},
		"NoPredicate":      {reason: "Predicate cannot be null or empty (CONDITIONAL)", in: conditional(nil), words: "Predicate cannot be null or empty"},
		"NoConditions":     {reason: "Predicate cannot be null or empty (CONDITIONAL)", in: conditional(&types.Predicate{}), words: "Predicate cannot be null or empty"},
		"NoOperator":       {reason: "Logical operator cannot be null or empty", in: one(types.Condition{JobName: new("a"), State: types.JobRunStateSucceeded}), words: "Logical operator cannot be null or empty"},
		"NoState":          {reason: "State cannot be null or empty", in: one(types.Condition{JobName: new("a"), LogicalOperator: types.LogicalOperatorEquals}), words: "State cannot be null or empty"},
		"CrawlerWithState": {reason: "crawler condition needs CrawlState", in: one(types.Condition{CrawlerName: new("a"), State: types.JobRunStateSucceeded, LogicalOperator: types.LogicalOperatorEquals}), words: "State cannot be null or empty"},
		"StateError":       {reason: "job states listenable: SUCCEEDED, STOPPED, FAILED, TIMEOUT (not ERROR/EXPIRED)", in: one(types.Condition{JobName: new("a"), State: types.JobRunStateError, LogicalOperator: types.LogicalOperatorEquals}), words: "State ERROR"},
		"NoLogical":        {reason: "Logical AND|ANY (required with >1 condition)", in: conditional(conditions(2)), words: "Logical cannot be null or empty"},
		"TooManyConditions": {
			reason: "≤500 conditions", in: conditional(conditions(501)), code: "ValidationException", words: "'predicate.conditions'",
		},
		"Itself": {
			reason: "Job cannot be a Predicate and Action for Conditional Trigger.",
			in:     after("w", "t", "a", types.JobRunStateSucceeded, "a"), words: "Job cannot be a Predicate and Action for Conditional Trigger.",
		},
		"NoWorkflow":  {reason: "EntityNotFound is modelled", in: onDemand("none", "t", "a"), code: "EntityNotFoundException", words: "none"},
		"NoJob":       {reason: "EntityNotFound is modelled", in: onDemand("w", "t", "none"), code: "EntityNotFoundException", words: "none"},
		"SecondStart": {reason: "one start trigger per workflow", in: onDemand("started", "t", "a"), words: "already has the starting trigger first"},
	}
	s := start(t, nil)
	s.workflow("w")
	s.workflow("started")
	s.job("a", nil)
	s.job("b", nil)
	s.trigger(onDemand("started", "first", "a"))
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := s.CreateTrigger(t.Context(), tc.in)
			code := tc.code
			if code == "" {
				code = "InvalidInputException"
			}
			t.Log(tc.reason)
			refused(t, err, code, tc.words)
		})
	}
}

// "ON_DEMAND never leave CREATED. SCHEDULED/CONDITIONAL: CREATED (StartOnCreation false) or ACTIVATED."
func TestTriggerStates(t *testing.T) {
	s := start(t, nil)
	s.workflow("w")
	s.job("a", nil)
	s.job("b", nil)
	s.trigger(scheduled("w", "s", "cron(0 12 * * ? *)", "a"))
	s.trigger(after("w", "c", "a", types.JobRunStateSucceeded, "b"))
	if got := s.triggerState("c", types.TriggerStateActivated); got.State != types.TriggerStateActivated {
		t.Errorf("CONDITIONAL with StartOnCreation is %s", got.State)
	}
	// "StopTrigger in CREATED → InvalidInput The operation is not allowed when trigger is in state: CREATED"
	_, err := s.StopTrigger(t.Context(), &sdk.StopTriggerInput{Name: new("s")})
	refused(t, err, "InvalidInputException", "The operation is not allowed when trigger is in state: CREATED")
	_, err = s.StartTrigger(t.Context(), &sdk.StartTriggerInput{Name: new("s")})
	s.must(err)
	s.triggerState("s", types.TriggerStateActivated)
	_, err = s.StopTrigger(t.Context(), &sdk.StopTriggerInput{Name: new("s")})
	s.must(err)
	s.triggerState("s", types.TriggerStateDeactivated)

	// "EVENT: Trigger Type EVENT cannot be started"
	s.workflow("e")
	event := onDemand("e", "event", "a")
	event.Type, event.EventBatchingCondition = types.TriggerTypeEvent, &types.EventBatchingCondition{BatchSize: new(int32(1))}
	s.trigger(event)
	_, err = s.StartTrigger(t.Context(), &sdk.StartTriggerInput{Name: new("event")})
	refused(t, err, "InvalidInputException", "Trigger Type EVENT cannot be started")
	_, err = s.StopTrigger(t.Context(), &sdk.StopTriggerInput{Name: new("event")})
	refused(t, err, "InvalidInputException", "The operation is not allowed when trigger is in state: CREATED")
	for _, name := range []string{"s", "none"} {
		_, err = s.StartTrigger(t.Context(), &sdk.StartTriggerInput{Name: &name})
		if name == "none" {
			refused(t, err, "EntityNotFoundException", "none")
		} else {
			s.must(err)
		}
	}
}

// "UpdateTrigger: overwrites the previous trigger definition completely"; "Type, WorkflowName, tags cannot change";
// "TF acceptance tests update ACTIVATED triggers in place (passes UPDATING); CDKD asserts it must be DEACTIVATED".
func TestUpdateTrigger(t *testing.T) {
	update := &sdk.UpdateTriggerInput{Name: new("c"), TriggerUpdate: &types.TriggerUpdate{
		Actions:   jobAction("b"),
		Predicate: &types.Predicate{Conditions: []types.Condition{{JobName: new("a"), State: types.JobRunStateFailed, LogicalOperator: types.LogicalOperatorEquals}}},
	}}
	prepare := func(refuse bool) *service {
		s := start(t, func(c *glue.Config) { c.Unknowns.RefuseActivatedUpdate = refuse })
		s.workflow("w")
		s.job("a", nil)
		s.job("b", nil)
		in := after("w", "c", "a", types.JobRunStateSucceeded, "b")
		in.Description = new("old")
		s.trigger(in)
		s.triggerState("c", types.TriggerStateActivated)
		return s
	}
	t.Run("InPlace", func(t *testing.T) {
		s := prepare(false)
		out, err := s.UpdateTrigger(t.Context(), update)
		s.must(err)
		if out.Trigger.State != types.TriggerStateUpdating {
			t.Errorf("UpdateTrigger answers a trigger that is %s", out.Trigger.State)
		}
		got := s.triggerState("c", types.TriggerStateActivated)
		if got.Description != nil || got.Predicate.Conditions[0].State != types.JobRunStateFailed ||
			got.Type != types.TriggerTypeConditional || *got.WorkflowName != "w" {
			t.Errorf("updated: %+v", got)
		}
	})
	t.Run("Refused", func(t *testing.T) {
		s := prepare(true)
		_, err := s.UpdateTrigger(t.Context(), update)
		refused(t, err, "InvalidInputException", "ACTIVATED")
		_, err = s.StopTrigger(t.Context(), &sdk.StopTriggerInput{Name: new("c")})
		s.must(err)
		s.triggerState("c", types.TriggerStateDeactivated)
		_, err = s.UpdateTrigger(t.Context(), update)
		s.must(err)
		s.triggerState("c", types.TriggerStateDeactivated)
	})
	t.Run("Checked", func(t *testing.T) {
		s := prepare(false)
		// "UpdateTrigger: Job cannot be a Predicate and Action for Conditional Trigger."
		_, err := s.UpdateTrigger(t.Context(), &sdk.UpdateTriggerInput{Name: new("c"), TriggerUpdate: &types.TriggerUpdate{
			Actions: jobAction("a"), Predicate: update.TriggerUpdate.Predicate,
		}})
		refused(t, err, "InvalidInputException", "Job cannot be a Predicate and Action for Conditional Trigger.")
		_, err = s.UpdateTrigger(t.Context(), &sdk.UpdateTriggerInput{Name: new("c"), TriggerUpdate: &types.TriggerUpdate{Schedule: new("cron(0 0 * * ? *)")}})
		refused(t, err, "InvalidInputException", "Actions cannot be null or empty")
		_, err = s.UpdateTrigger(t.Context(), &sdk.UpdateTriggerInput{Name: new("none"), TriggerUpdate: update.TriggerUpdate})
		refused(t, err, "EntityNotFoundException", "none")
	})
}

// "DeleteTrigger is asynchronous (DELETING, then gone)"; "Same-name re-create while DELETING → error"; "if not found,
// no exception is thrown".
func TestDeleteTrigger(t *testing.T) {
	t.Run("Slow", func(t *testing.T) {
		s := start(t, func(c *glue.Config) {
			c.Latency.TriggerDelete = time.Hour
			c.Unknowns.DeletingTriggerCode = "IdempotentParameterMismatchException"
		})
		s.workflow("w")
		s.job("a", nil)
		// "Deleting an ACTIVATED trigger without stopping works"
		in := scheduled("w", "s", "cron(0 12 * * ? *)", "a")
		in.StartOnCreation = true
		s.trigger(in)
		for range 2 {
			_, err := s.DeleteTrigger(t.Context(), &sdk.DeleteTriggerInput{Name: new("s")})
			s.must(err)
		}
		s.triggerState("s", types.TriggerStateDeleting)
		_, err := s.CreateTrigger(t.Context(), in)
		refused(t, err, "IdempotentParameterMismatchException", "'s'")
		_, err = s.StartTrigger(t.Context(), &sdk.StartTriggerInput{Name: new("s")})
		refused(t, err, "InvalidInputException", "DELETING")
		// Another start trigger may already take its place.
		s.trigger(onDemand("w", "next", "a"))
	})
	t.Run("Gone", func(t *testing.T) {
		s := start(t, nil)
		s.workflow("w")
		s.job("a", nil)
		s.trigger(onDemand("w", "s", "a"))
		_, err := s.DeleteTrigger(t.Context(), &sdk.DeleteTriggerInput{Name: new("s")})
		s.must(err)
		until(t, func() (error, bool) {
			_, err := s.GetTrigger(t.Context(), &sdk.GetTriggerInput{Name: new("s")})
			return err, err != nil
		})
		_, err = s.GetTrigger(t.Context(), &sdk.GetTriggerInput{Name: new("s")})
		refused(t, err, "EntityNotFoundException", "s")
		_, err = s.DeleteTrigger(t.Context(), &sdk.DeleteTriggerInput{Name: new("s")})
		s.must(err)
		s.trigger(onDemand("w", "s", "a"))
	})
}

// "GetTriggers DependentJobName: if no trigger matches, all triggers are returned"; "After CreateTrigger, GetTrigger
// may briefly return EN".
func TestTriggerLists(t *testing.T) {
	s := start(t, nil)
	s.job("a", nil)
	s.job("b", nil)
	for i, job := range []string{"a", "b", "a"} {
		name := "t" + strconv.Itoa(i)
		in := onDemand(s.workflow("w"+strconv.Itoa(i)), name, job)
		in.Tags = map[string]string{"job": job}
		s.trigger(in)
	}
	list := func(job *string) []string {
		out, err := s.GetTriggers(t.Context(), &sdk.GetTriggersInput{DependentJobName: job})
		s.must(err)
		var names []string
		for _, tr := range out.Triggers {
			names = append(names, *tr.Name)
		}
		return names
	}
	all := []string{"t0", "t1", "t2"}
	if diff := cmp.Diff([][]string{all, {"t0", "t2"}, all}, [][]string{list(nil), list(new("a")), list(new("none"))}); diff != "" {
		t.Error(diff)
	}
	tagged, err := s.ListTriggers(t.Context(), &sdk.ListTriggersInput{Tags: map[string]string{"job": "a"}, MaxResults: new(int32(1))})
	s.must(err)
	rest, err := s.ListTriggers(t.Context(), &sdk.ListTriggersInput{Tags: map[string]string{"job": "a"}, NextToken: tagged.NextToken})
	s.must(err)
	if diff := cmp.Diff([]string{"t0", "t2"}, append(tagged.TriggerNames, rest.TriggerNames...)); diff != "" {
		t.Error(diff)
	}
	batch, err := s.BatchGetTriggers(t.Context(), &sdk.BatchGetTriggersInput{TriggerNames: []string{"t2", "x", "t2"}})
	s.must(err)
	if len(batch.Triggers) != 1 || len(batch.TriggersNotFound) != 1 {
		t.Errorf("%d found, %v not", len(batch.Triggers), batch.TriggersNotFound)
	}
}

func TestCreatedTriggerCanBeHidden(t *testing.T) {
	s := start(t, func(c *glue.Config) { c.Latency.TriggerCreate, c.Unknowns.HideCreatedTrigger = time.Hour, true })
	s.workflow("w")
	s.job("a", nil)
	_, err := s.CreateTrigger(t.Context(), onDemand("w", "s", "a"))
	s.must(err)
	_, err = s.GetTrigger(t.Context(), &sdk.GetTriggerInput{Name: new("s")})
	refused(t, err, "EntityNotFoundException", "s")
}

// "Concurrent Create/Delete/Update of triggers of one workflow → ConcurrentModification Workflow W was modified while
// adding trigger T"
func TestTriggerCallsOnOneWorkflowConflict(t *testing.T) {
	inside, leave := make(chan struct{}), make(chan struct{})
	s := start(t, func(c *glue.Config) { glue.HoldTriggerCalls(c, inside, leave) })
	s.workflow("w")
	s.workflow("other")
	s.job("a", nil)
	first := make(chan error)
	go func() {
		_, err := s.CreateTrigger(t.Context(), onDemand("w", "t", "a"))
		first <- err
	}()
	<-inside
	_, err := s.CreateTrigger(t.Context(), after("w", "u", "a", types.JobRunStateSucceeded, "b"))
	refused(t, err, "ConcurrentModificationException", "Workflow w was modified while adding trigger u")
	_, err = s.UpdateWorkflow(t.Context(), &sdk.UpdateWorkflowInput{Name: new("w")})
	refused(t, err, "ConcurrentModificationException", "Workflow w was modified")
	_, err = s.DeleteWorkflow(t.Context(), &sdk.DeleteWorkflowInput{Name: new("w")})
	refused(t, err, "ConcurrentModificationException", "Workflow w was modified")

	second := make(chan error)
	go func() {
		_, err := s.CreateTrigger(t.Context(), onDemand("other", "v", "a"))
		second <- err
	}()
	<-inside
	close(leave)
	s.must(<-first)
	s.must(<-second)
	if got := s.triggerState("t", types.TriggerStateCreated); aws.ToString(got.WorkflowName) != "w" {
		t.Errorf("%+v", got)
	}
}
