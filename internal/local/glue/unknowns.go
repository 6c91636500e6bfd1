package glue

import "time"

// Unknowns chooses an answer where it is not known what AWS does. The zero value is the stricter or the less
// convenient one, so that a client that works with it is likely to work with the other.
type Unknowns struct {
	// IgnoreAllowedValues accepts parameter values outside a blueprint's allowedValues. Zero: refused.
	IgnoreAllowedValues bool
	// IgnoreUnknownParameters accepts blueprint run parameters that blueprint.cfg does not declare (the layout
	// generator does not get them). Zero: refused.
	IgnoreUnknownParameters bool
	// LooseParameterTypes checks the JSON type only, not the form, of S3Uri, S3Bucket, IAMRoleArn and IAMRoleName.
	// Zero: the form is checked.
	LooseParameterTypes bool
	// ParameterErrorsFailRun lets StartBlueprintRun accept bad parameters and the blueprint run end FAILED. Zero:
	// StartBlueprintRun answers InvalidInputException.
	ParameterErrorsFailRun bool
	// ConfigErrorsFailRun registers a ZIP without a usable blueprint.cfg as ACTIVE; its blueprint runs fail. Zero:
	// the registration fails.
	ConfigErrorsFailRun bool
	// StartWhileUpdating lets StartBlueprintRun use the last active definition while the blueprint is UPDATING.
	// Zero: IllegalBlueprintStateException.
	StartWhileUpdating bool
	// RecreateFailedBlueprint lets CreateBlueprint replace a FAILED blueprint that never was active. Zero:
	// AlreadyExistsException.
	RecreateFailedBlueprint bool
	// LayoutTimeout ends a layout generator. Zero: one minute.
	LayoutTimeout time.Duration
	// SuffixLength is the length of the random suffix on job and crawler names. Zero: 8 hexadecimal digits.
	SuffixLength int
	// HangAbove leaves blueprint runs with more than so many jobs, crawlers and triggers RUNNING for ever (reports
	// speak of 30 to 40). Zero: none hangs.
	HangAbove int

	// SameConfig is the answer to creating a job or trigger that exists with the same configuration.
	SameConfig SameConfig
	// DeletingTriggerCode is the error of creating a trigger while its namesake is DELETING. Empty:
	// AlreadyExistsException.
	DeletingTriggerCode string
	// HideCreatedTrigger lets GetTrigger answer EntityNotFoundException while the trigger is being created. Zero:
	// it is visible at once.
	HideCreatedTrigger bool
	// RefuseActivatedUpdate answers InvalidInputException to UpdateTrigger of an ACTIVATED trigger. Zero: it is
	// updated in place.
	RefuseActivatedUpdate bool
	// RefuseActivatedCode is the error of that refusal. Empty: InvalidInputException.
	RefuseActivatedCode string
	// DeletingTriggerHolds lets a start trigger that is DELETING count as its workflow's one start trigger. Zero: a
	// new one of another name can be created.
	DeletingTriggerHolds bool
	// UncheckedWorkflow and UncheckedActions let CreateTrigger refer to a workflow, or to jobs and crawlers, that
	// do not exist. Zero: EntityNotFoundException.
	UncheckedWorkflow, UncheckedActions bool

	// UpdateKeepsOmitted lets UpdateWorkflow and UpdateBlueprint keep optional fields that are left out. Zero: they
	// are cleared.
	UpdateKeepsOmitted bool
	// DeleteWorkflowTriggers lets DeleteWorkflow delete the workflow's triggers. Zero: they stay.
	DeleteWorkflowTriggers bool
	// DeleteRunningWorkflow lets DeleteWorkflow succeed while a workflow run is RUNNING. Zero:
	// ConcurrentModificationException.
	DeleteRunningWorkflow bool
	// DeleteMissingFails answers EntityNotFoundException to DeleteWorkflow and DeleteBlueprint of what does not
	// exist. Zero: success.
	DeleteMissingFails bool
	// StartNeedsActivated makes StartWorkflowRun refuse a workflow whose SCHEDULED start trigger is not ACTIVATED.
	// Zero: the workflow run starts.
	StartNeedsActivated bool
	// OrphansFire lets SCHEDULED triggers whose workflow is gone start their jobs. Zero: they do nothing.
	OrphansFire bool
}

// SameConfig is an answer to creating what exists already with the same configuration.
type SameConfig int

// The answers.
const (
	SameConfigAlreadyExists SameConfig = iota // AlreadyExistsException
	SameConfigMismatch                        // IdempotentParameterMismatchException
	SameConfigSucceeds                        // success, nothing changed
)

func (b Unknowns) withDefaults() Unknowns {
	if b.LayoutTimeout == 0 {
		b.LayoutTimeout = time.Minute
	}
	if b.SuffixLength == 0 {
		b.SuffixLength = 8
	}
	if b.DeletingTriggerCode == "" {
		b.DeletingTriggerCode = codeAlreadyExists
	}
	return b
}
