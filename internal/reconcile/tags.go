package reconcile

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"

	"github.com/landfall/landfall/internal/plan"
)

// wantedTags are the tags that the layout gives each job and crawler, and the
// workflow, by live name, with those that say whose they are.
func (r *Reconciler) wantedTags(ctx context.Context, c plan.Change, t target, staged Workflow) (map[plan.Entity]map[string]string, error) {
	all := map[plan.Entity]map[string]string{}
	add := func(kind, from, name string) error {
		want := r.ownTags(c)
		tags, known := shippedTags(c)
		if !known {
			held, err := r.Entities.Tags(ctx, kind, from)
			if err != nil {
				return err
			}
			tags = held
		}
		for k, v := range tags {
			want[k] = t.rename(v)
		}
		all[plan.Entity{Kind: kind, Name: name}] = want
		return nil
	}
	for name := range t.jobs {
		if err := add(plan.JobEntity, t.staged[name], name); err != nil {
			return nil, err
		}
	}
	for name := range t.crawlers {
		if err := add(plan.CrawlerEntity, t.staged[name], name); err != nil {
			return nil, err
		}
	}
	return all, add(WorkflowEntity, staged.Name, c.Workflow)
}

// shippedTags are what the shipped layout gives everything that it makes: the
// catalog's. No batch read of Glue's returns tags, so that reading them back from
// what was staged would be a call for each entity of each table. A user's layout
// gives what it likes.
func shippedTags(c plan.Change) (tags map[string]string, known bool) {
	if c.Blueprint.Key != BlueprintKey {
		return nil, false
	}
	tags = map[string]string{}
	if text := c.Parameters.Text("Tags"); text != "" && json.Unmarshal([]byte(text), &tags) != nil {
		return nil, false
	}
	return tags, true
}

// promoteTags sets the tags, and removes those that the catalog gave before and
// gives no longer. Tags from elsewhere stay.
func (r *Reconciler) promoteTags(ctx context.Context, want map[plan.Entity]map[string]string, before []string) error {
	for e, tags := range want {
		held, err := r.Entities.Tags(ctx, e.Kind, e.Name)
		if err != nil {
			return err
		}
		set, remove := map[string]string{}, []string{}
		for k, v := range tags {
			if old, ok := held[k]; !ok || old != v {
				set[k] = v
			}
		}
		for _, k := range before {
			_, isHeld := held[k]
			if _, wanted := tags[k]; isHeld && !wanted {
				remove = append(remove, k)
			}
		}
		if len(set)+len(remove) == 0 {
			continue
		}
		if err := r.Entities.SetTags(ctx, e.Kind, e.Name, set, remove); err != nil {
			return err
		}
	}
	return nil
}

// tagNames are the names of the tags in a workflow's kept parameters.
func tagNames(parameters string) []string {
	var values plan.Values
	var tags map[string]string
	if json.Unmarshal([]byte(parameters), &values) != nil || json.Unmarshal([]byte(values.Text("Tags")), &tags) != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(tags))
}

// ownTags are those that the shipped layout gives too.
func (r *Reconciler) ownTags(c plan.Change) map[string]string {
	return map[string]string{plan.OwnerMark: TagValue(c.Owner), plan.TableMark: TagValue(c.Table)}
}

// TagValue is text as AWS takes it in a tag's value.
func TagValue(s string) string {
	out := []rune(tagUnsafe.ReplaceAllLiteralString(s, "_"))
	return string(out[:min(len(out), 256)])
}

// tagUnsafe is what AWS does not take in a tag's value; layout.py has the same rule.
var tagUnsafe = regexp.MustCompile(`[^\p{L}\p{N}_\s.:/=+\-@]`)
