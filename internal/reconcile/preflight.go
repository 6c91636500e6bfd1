package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/landfall/landfall/internal/plan"
)

// maxParameters is what Glue takes as the parameters of one blueprint run, in characters (glue.md §1.3).
const maxParameters = 131072

// need is one thing that tables need to be there.
type need struct{ kind, name string }

// preflight says which creates and updates of the plan cannot succeed, by
// workflow name, and which checks could not be made. It asks about each thing
// once, and about nothing when nothing is to be created or updated.
func (r *Reconciler) preflight(ctx context.Context, s PlanSettings, p plan.Plan, held holdings, owners map[string][]string) (refused map[string]string, unchecked []string, err error) {
	refused = map[string]string{}
	needs := map[need][]plan.Change{}
	for _, c := range p.Changes {
		if c.Action != plan.Create && c.Action != plan.Update {
			continue
		}
		if n := len([]rune(c.Parameters.JSON())); n > maxParameters {
			refused[c.Workflow] = fmt.Sprintf("the parameters of its blueprint run have %d characters; Glue takes %d. Shorten the entry", n, maxParameters)
		}
		for kind, parameter := range map[string]string{
			"role": "GlueExecutionRole", "secret": "SecretName", "connection": "NetworkConnectionName", "bucket": "DestinationBucketName",
		} {
			if name := c.Parameters.Text(parameter); name != "" {
				needs[need{kind, name}] = append(needs[need{kind, name}], c)
			}
		}
	}
	answers := r.ask(ctx, s, needs, owners)
	skipped := map[string]bool{}
	for n, changes := range needs {
		for _, c := range changes {
			message, made := explain(n, answers[answerKey(n, c.Catalog)])
			if !made {
				skipped[n.kind] = true
			}
			if message != "" && refused[c.Workflow] == "" {
				refused[c.Workflow] = message
			}
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(skipped)) {
		unchecked = append(unchecked, fmt.Sprintf("whether each %s exists was not checked: the permission is missing or the service did not answer", kind))
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	return refused, append(unchecked, r.quotas(ctx, p, held, refused)...), nil
}

// answerKey tells the catalogs apart where the answer depends on them: a
// bucket's owner must be one that the catalog allows.
func answerKey(n need, catalog string) need {
	if n.kind == "bucket" {
		n.name += "\x00" + catalog
	}
	return n
}

// ask makes every check once.
func (r *Reconciler) ask(ctx context.Context, s PlanSettings, needs map[need][]plan.Change, owners map[string][]string) map[need]error {
	var mu sync.Mutex
	answers := map[need]error{}
	group := errgroup.Group{}
	group.SetLimit(applyParallel)
	for n, changes := range needs {
		for _, c := range changes {
			key := answerKey(n, c.Catalog)
			mu.Lock()
			_, asked := answers[key]
			if !asked {
				answers[key] = nil
			}
			mu.Unlock()
			if asked {
				continue
			}
			group.Go(func() error {
				err := r.check(ctx, n, append([]string{s.AccountID}, owners[c.Catalog]...))
				mu.Lock()
				defer mu.Unlock()
				answers[key] = err
				return nil
			})
		}
	}
	_ = group.Wait()
	return answers
}

func (r *Reconciler) check(ctx context.Context, n need, accounts []string) error {
	switch n.kind {
	case "role":
		return r.Account.CheckRole(ctx, n.name)
	case "secret":
		return r.Account.CheckSecret(ctx, n.name)
	case "connection":
		return r.Connections.CheckConnection(ctx, n.name)
	default:
		for _, account := range accounts {
			if err := r.Buckets.CheckBucket(ctx, n.name, account); !errors.Is(err, ErrForbidden) {
				return err
			}
		}
		if len(accounts) > 1 {
			// Another account's bucket may let in the jobs and not this function.
			return fmt.Errorf("bucket %q: %w", n.name, ErrRefused)
		}
		return ErrForbidden
	}
}

// explain turns a check's answer into the reason to refuse a table, and tells whether the check was made.
func explain(n need, err error) (message string, made bool) {
	switch {
	case err == nil:
		return "", true
	case errors.Is(err, ErrNotFound):
		return fmt.Sprintf("there is no %s %q in this account and Region; create it, or correct the entry", n.kind, n.name), true
	case errors.Is(err, ErrForbidden) && n.kind == "bucket":
		return fmt.Sprintf("bucket %q belongs to another account, or its policy keeps Landfall out; name the account in BucketOwners if it is meant", n.name), true
	}
	return "", false
}

// quotas refuses the creates and updates that have no room, the last ones of the plan first.
func (r *Reconciler) quotas(ctx context.Context, p plan.Plan, held holdings, refused map[string]string) (unchecked []string) {
	creates, updates := 0, 0
	for _, c := range p.Changes {
		if refused[c.Workflow] == "" {
			creates += map[plan.Action]int{plan.Create: 1}[c.Action]
			updates += map[plan.Action]int{plan.Update: 1}[c.Action]
		}
	}
	if creates+updates == 0 {
		return nil
	}
	limits, err := r.Account.Quotas(ctx)
	if err != nil {
		r.Log.Warn("quotas not read", "error", err)
		return []string{"whether Glue's quotas leave room was not checked: the permission is missing or Service Quotas did not answer"}
	}
	for _, q := range []struct {
		name        string
		limit, used int
	}{
		{"workflows", limits.Workflows, held.workflows}, {"triggers", limits.Triggers, held.triggers}, {"jobs", limits.Jobs, held.jobs},
	} {
		if q.limit == 0 {
			unchecked = append(unchecked, fmt.Sprintf("the quota of %s was not checked: Service Quotas does not tell it", q.name))
			continue
		}
		room := max(0, q.limit-q.used)
		for _, c := range p.Changes {
			if refused[c.Workflow] != "" {
				continue
			}
			switch {
			case c.Action == plan.Create && room > 0:
				room--
			case c.Action == plan.Create, c.Action == plan.Update && q.limit <= q.used:
				refused[c.Workflow] = fmt.Sprintf("the account's quota of %d Glue %s is used up: %d held, %d more needed. Raise it in Service Quotas, or land fewer tables in this account and Region",
					q.limit, q.name, q.used, creates+updates)
			}
		}
	}
	return unchecked
}
