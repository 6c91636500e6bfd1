package glue

import "slices"

// Trigger types and states.
const (
	triggerScheduled   = "SCHEDULED"
	triggerConditional = "CONDITIONAL"
	triggerOnDemand    = "ON_DEMAND"
	triggerEvent       = "EVENT"

	triggerCreating     = "CREATING"
	triggerCreated      = "CREATED"
	triggerActivating   = "ACTIVATING"
	triggerActivated    = "ACTIVATED"
	triggerDeactivating = "DEACTIVATING"
	triggerDeactivated  = "DEACTIVATED"
	triggerDeleting     = "DELETING"
	triggerUpdating     = "UPDATING"
)

const (
	maxJobActions     = 50
	maxCrawlerActions = 2
)

// triggerUpdate is the part of a trigger's definition that can change.
type triggerUpdate struct {
	Description            *string        `json:",omitempty" check:"len=0:2048 match=text"`
	Schedule               string         `json:",omitempty"`
	Actions                []action       `json:",omitempty"`
	Predicate              *predicate     `json:",omitempty"`
	EventBatchingCondition *eventBatching `json:",omitempty"`
}

type action struct {
	JobName               string            `json:",omitempty" check:"len=1:255 match=name"`
	CrawlerName           string            `json:",omitempty" check:"len=1:255 match=name"`
	Arguments             map[string]string `json:",omitempty"`
	Timeout               *int              `json:",omitempty" check:"range=1:"`
	SecurityConfiguration *string           `json:",omitempty" check:"len=1:255 match=name"`
	NotificationProperty  *notification     `json:",omitempty"`
}

type predicate struct {
	Logical    string      `json:",omitempty" check:"one=logical"`
	Conditions []condition `json:",omitempty" check:"len=0:500"`
}

type condition struct {
	LogicalOperator string `json:",omitempty" check:"one=operator"`
	JobName         string `json:",omitempty" check:"len=1:255 match=name"`
	State           string `json:",omitempty" check:"one=jobstate"`
	CrawlerName     string `json:",omitempty" check:"len=1:255 match=name"`
	CrawlState      string `json:",omitempty" check:"one=crawl"`
}

type eventBatching struct {
	BatchSize   *int `json:",omitempty" check:"required range=1:100"`
	BatchWindow *int `json:",omitempty" check:"range=1:900"`
}

// checkTrigger checks a definition against the rules that its constraints do not express.
func checkTrigger(kind string, u *triggerUpdate) error {
	if len(u.Actions) == 0 {
		return invalid("Actions cannot be null or empty")
	}
	jobs, crawlers := 0, 0
	for _, a := range u.Actions {
		if (a.JobName == "") == (a.CrawlerName == "") {
			return invalid("An action must have either a JobName or a CrawlerName")
		}
		if a.JobName != "" {
			jobs++
		} else {
			crawlers++
		}
	}
	if jobs > maxJobActions {
		return invalid("Actions cannot contain more than %d jobs", maxJobActions)
	}
	if crawlers > maxCrawlerActions {
		return invalid("Actions cannot contain more than two crawlers")
	}
	switch kind {
	case triggerScheduled:
		if u.Schedule == "" {
			return invalid("Schedule cannot be null or empty")
		}
		_, err := parseSchedule(u.Schedule)
		return err
	case triggerConditional:
		return checkPredicate(u)
	}
	return nil
}

func checkPredicate(u *triggerUpdate) error {
	if u.Predicate == nil || len(u.Predicate.Conditions) == 0 {
		return invalid("Predicate cannot be null or empty")
	}
	if len(u.Predicate.Conditions) > 1 && u.Predicate.Logical == "" {
		return invalid("Logical cannot be null or empty with more than one condition")
	}
	for _, c := range u.Predicate.Conditions {
		if err := checkCondition(c); err != nil {
			return err
		}
		if c.JobName != "" && slices.ContainsFunc(u.Actions, func(a action) bool { return a.JobName == c.JobName }) {
			return invalid("Job cannot be a Predicate and Action for Conditional Trigger.")
		}
	}
	return nil
}

func checkCondition(c condition) error {
	switch {
	case c.LogicalOperator == "":
		return invalid("Logical operator cannot be null or empty")
	case (c.JobName == "") == (c.CrawlerName == ""):
		return invalid("A condition must have either a JobName or a CrawlerName")
	case c.JobName != "" && c.State == "", c.CrawlerName != "" && c.CrawlState == "":
		return invalid("State cannot be null or empty")
	case c.JobName != "" && !slices.Contains([]string{stateSucceeded, stateStopped, stateFailed, stateTimeout}, c.State):
		return invalid("State %s of a job cannot be waited for", c.State)
	case c.CrawlerName != "" && !slices.Contains([]string{stateSucceeded, stateFailed, crawlCancelled}, c.CrawlState):
		return invalid("State %s of a crawler cannot be waited for", c.CrawlState)
	}
	return nil
}
