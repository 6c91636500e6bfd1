package glue

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/landfall/landfall/internal/reconcile"
)

// jobDefinition is a job as UpdateJob takes it: without what only a read shows.
// A read shows the capacity also of a job that is sized by workers; sent back, it is refused.
func jobDefinition(j types.Job) reconcile.Definition {
	d := definition(j, reflect.TypeFor[types.JobUpdate]())
	delete(d, "AllocatedCapacity")
	if j.WorkerType != "" {
		delete(d, "MaxCapacity")
	}
	return d
}

// triggerDefinition is a trigger as UpdateTrigger takes it.
func triggerDefinition(t types.Trigger) reconcile.Definition {
	d := definition(t, reflect.TypeFor[types.TriggerUpdate]())
	delete(d, "Name")
	return d
}

// crawlerDefinition is a crawler as UpdateCrawler takes it.
func crawlerDefinition(w types.Crawler) reconcile.Definition {
	d := definition(w, reflect.TypeFor[glue.UpdateCrawlerInput]())
	delete(d, "Name")
	delete(d, "Schedule")
	if w.Schedule != nil && value(w.Schedule.ScheduleExpression) != "" {
		d["Schedule"] = *w.Schedule.ScheduleExpression
	}
	return d
}

// definition is what v has of the fields of the update type, by the names of
// Glue's API, which are those of the SDK's fields.
func definition(v any, update reflect.Type) reconcile.Definition {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("marshal %T: %v", v, err)) // plain data
	}
	var all map[string]any
	if err := json.Unmarshal(data, &all); err != nil {
		panic(fmt.Sprintf("unmarshal %T: %v", v, err))
	}
	d := reconcile.Definition{}
	for name, value := range all {
		if _, ok := update.FieldByName(name); !ok {
			continue
		}
		if value = compact(value); value != nil {
			d[name] = value
		}
	}
	return d
}

// compact leaves out what is empty; nil when nothing is left.
func compact(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if value = compact(value); value == nil {
				delete(v, name)
			} else {
				v[name] = value
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = compact(v[i])
		}
		if len(v) == 0 {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	case float64:
		if v == 0 {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	}
	return v
}

// fill is the reverse of definition.
func fill(into any, d reconcile.Definition) error {
	data, err := json.Marshal(d)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		return fmt.Errorf("make %T of a definition: %w", into, err)
	}
	return nil
}
