package glue

// operations are all that the service handles.
var operations map[string]handler

func init() {
	operations = map[string]handler{
		"CreateBlueprint":    operation((*Server).createBlueprint),
		"GetBlueprint":       operation((*Server).getBlueprint),
		"UpdateBlueprint":    operation((*Server).updateBlueprint),
		"DeleteBlueprint":    operation((*Server).deleteBlueprint),
		"ListBlueprints":     operation((*Server).listBlueprints),
		"BatchGetBlueprints": operation((*Server).batchGetBlueprints),
		"StartBlueprintRun":  operation((*Server).startBlueprintRun),
		"GetBlueprintRun":    operation((*Server).getBlueprintRun),
		"GetBlueprintRuns":   operation((*Server).getBlueprintRuns),

		"CreateWorkflow":           operation((*Server).createWorkflow),
		"GetWorkflow":              operation((*Server).getWorkflow),
		"UpdateWorkflow":           operation((*Server).updateWorkflow),
		"DeleteWorkflow":           operation((*Server).deleteWorkflow),
		"ListWorkflows":            operation((*Server).listWorkflows),
		"BatchGetWorkflows":        operation((*Server).batchGetWorkflows),
		"StartWorkflowRun":         operation((*Server).startWorkflowRun),
		"StopWorkflowRun":          operation((*Server).stopWorkflowRun),
		"ResumeWorkflowRun":        operation((*Server).resumeWorkflowRun),
		"GetWorkflowRun":           operation((*Server).getWorkflowRun),
		"GetWorkflowRuns":          operation((*Server).getWorkflowRuns),
		"GetWorkflowRunProperties": operation((*Server).getWorkflowRunProperties),
		"PutWorkflowRunProperties": operation((*Server).putWorkflowRunProperties),

		"CreateTrigger":    operation((*Server).createTrigger),
		"GetTrigger":       operation((*Server).getTrigger),
		"GetTriggers":      operation((*Server).getTriggers),
		"ListTriggers":     operation((*Server).listTriggers),
		"BatchGetTriggers": operation((*Server).batchGetTriggers),
		"UpdateTrigger":    operation((*Server).updateTrigger),
		"DeleteTrigger":    operation((*Server).deleteTrigger),
		"StartTrigger":     operation((*Server).startTrigger),
		"StopTrigger":      operation((*Server).stopTrigger),

		"CreateJob":       operation((*Server).createJob),
		"GetJob":          operation((*Server).getJob),
		"GetJobs":         operation((*Server).getJobs),
		"ListJobs":        operation((*Server).listJobs),
		"BatchGetJobs":    operation((*Server).batchGetJobs),
		"UpdateJob":       operation((*Server).updateJob),
		"DeleteJob":       operation((*Server).deleteJob),
		"StartJobRun":     operation((*Server).startJobRun),
		"GetJobRun":       operation((*Server).getJobRun),
		"GetJobRuns":      operation((*Server).getJobRuns),
		"BatchStopJobRun": operation((*Server).batchStopJobRun),

		"CreateCrawler":    operation((*Server).createCrawler),
		"GetCrawler":       operation((*Server).getCrawler),
		"GetCrawlers":      operation((*Server).getCrawlers),
		"ListCrawlers":     operation((*Server).listCrawlers),
		"BatchGetCrawlers": operation((*Server).batchGetCrawlers),
		"UpdateCrawler":    operation((*Server).updateCrawler),
		"DeleteCrawler":    operation((*Server).deleteCrawler),
		"StartCrawler":     operation((*Server).startCrawler),
		"StopCrawler":      operation((*Server).stopCrawler),

		"TagResource":   operation((*Server).tagResource),
		"UntagResource": operation((*Server).untagResource),
		"GetTags":       operation((*Server).getTags),
	}
}
