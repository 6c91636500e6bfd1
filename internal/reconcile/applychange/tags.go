package applychange

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

// ownerTags are those that the shipped layout gives too.
func (o *operation) ownerTags() map[string]string {
	return reconcile.OwnerTags(o.change.Owner, o.change.Table)
}

// promoteTags sets the tags of every job and crawler, and of the workflow, and
// removes those that the catalog gave before and gives no longer. Tags from
// elsewhere stay.
func (o *operation) promoteTags(ctx context.Context, t target, before []string) error {
	workflow := plan.Entity{Kind: reconcile.WorkflowEntity, Name: o.change.Workflow}
	for _, e := range append(t.sorted(), workflow) {
		from := t.staged[e]
		if e == workflow {
			from = o.staged.Name
		}
		want, err := o.wantedTags(ctx, t, e.Kind, from)
		if err != nil {
			return err
		}
		observed, err := o.tags.Tags(ctx, e.Kind, e.Name)
		if err != nil {
			return err
		}
		set, remove := map[string]string{}, []string{}
		for k, v := range want {
			if old, ok := observed[k]; !ok || old != v {
				set[k] = v
			}
		}
		for _, k := range before {
			_, exists := observed[k]
			if _, wanted := want[k]; exists && !wanted {
				remove = append(remove, k)
			}
		}
		if len(set)+len(remove) == 0 {
			continue
		}
		if err := o.setTags(ctx, e, set, remove); err != nil {
			return err
		}
	}
	return nil
}

// wantedTags are the tags that the layout gave what it made under the staged name,
// with those that say whose it is.
func (o *operation) wantedTags(ctx context.Context, t target, kind, staged string) (map[string]string, error) {
	want := o.ownerTags()
	tags, known := shippedTags(o.change)
	if !known {
		var err error
		if tags, err = o.tags.Tags(ctx, kind, staged); err != nil {
			return nil, err
		}
	}
	for k, v := range tags {
		want[k] = t.rename(v)
	}
	return want, nil
}

// shippedTags are what the shipped layout gives everything that it makes: the
// catalog's. No batch read of Glue's returns tags, so that reading them back from
// what was staged would be a call for each entity of each table. A custom layout
// gives what it likes.
func shippedTags(c plan.Change) (tags map[string]string, known bool) {
	if c.Blueprint.Key != keys.Blueprint {
		return nil, false
	}
	tags = map[string]string{}
	if text := c.Parameters.Text("Tags"); text != "" && json.Unmarshal([]byte(text), &tags) != nil {
		return nil, false
	}
	return tags, true
}

// tagKeys are the names of the tags in a workflow's kept parameters.
func tagKeys(parameters string) []string {
	var values plan.Values
	var tags map[string]string
	if json.Unmarshal([]byte(parameters), &values) != nil || json.Unmarshal([]byte(values.Text("Tags")), &tags) != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(tags))
}
