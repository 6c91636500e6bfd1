package glue

const (
	jobsPerPage    = 1000
	jobRunsPerPage = 200
)

type createJobInput struct {
	Name      string `check:"required len=1:255 match=name"`
	jobFields `check:"Role:required Command:required"`
	Tags      map[string]string `json:",omitempty" check:"len=0:50 key.len=1:128 each.len=0:256"`
}

// job is one job and the history of its job runs, oldest first.
type job struct {
	name, id          string
	given             string // the definition as it was sent, to compare
	fields            jobFields
	created, modified timestamp
	runs              []*jobRun
}

type jobBody struct {
	Name string
	jobFields
	CreatedOn      timestamp
	LastModifiedOn timestamp
}

func (j *job) body() *jobBody { return &jobBody{j.name, j.fields, j.created, j.modified} }

func (s *Server) createJob(in *createJobInput) (*nameOutput, error) {
	if err := checkJob(&in.jobFields); err != nil {
		return nil, err
	}
	if err := checkTagKeys(in.Tags); err != nil {
		return nil, err
	}
	given := string(marshal(in.jobFields))
	if j := s.jobs[in.Name]; j != nil {
		return &nameOutput{in.Name}, s.duplicate("Job", in.Name, j.given == given)
	}
	if exhausted(s.config.Quotas.Jobs, len(s.jobs)) {
		return nil, errorf(codeResourceNumberLimit, "the limit of %d jobs is reached", s.config.Quotas.Jobs)
	}
	s.jobs[in.Name] = &job{
		name: in.Name, id: "j_" + s.hex(64), given: given, fields: in.withDefaults(nil),
		created: s.now(), modified: s.now(),
	}
	s.setTags("job", in.Name, in.Tags)
	return &nameOutput{in.Name}, nil
}

// duplicate answers the creation of a job or trigger that exists.
func (s *Server) duplicate(kind, name string, same bool) error {
	if same && s.config.Unknowns.SameConfig == SameConfigSucceeds {
		return nil
	}
	if same && s.config.Unknowns.SameConfig == SameConfigAlreadyExists {
		return errorf(codeAlreadyExists, "%s with name '%s' already exists", kind, name)
	}
	return errorf(codeIdempotentMismatch, "%s with name '%s' already submitted with different configuration", kind, name)
}

type jobNameInput struct {
	JobName string `check:"required len=1:255 match=name"`
}

type getJobOutput struct{ Job *jobBody }

func (s *Server) getJob(in *jobNameInput) (*getJobOutput, error) {
	j := s.jobs[in.JobName]
	if j == nil {
		return nil, notFound("Job", in.JobName)
	}
	return &getJobOutput{j.body()}, nil
}

type getJobsOutput struct {
	Jobs      []*jobBody
	NextToken string `json:",omitempty"`
}

func (s *Server) getJobs(in *thousandInput) (*getJobsOutput, error) {
	list, next, err := page(names(s.jobs), in.pageInput, jobsPerPage)
	out := &getJobsOutput{Jobs: []*jobBody{}, NextToken: next}
	for _, name := range list {
		out.Jobs = append(out.Jobs, s.jobs[name].body())
	}
	return out, err
}

// thousandInput asks for a page of up to 1,000.
type thousandInput struct {
	pageInput `check:"MaxResults:range=1:1000"`
}

// listInput is a list of names, by tags.
type listInput struct {
	thousandInput
	Tags map[string]string `check:"len=0:50 key.len=1:128 each.len=0:256"`
}

type listJobsOutput struct {
	JobNames  []string
	NextToken string `json:",omitempty"`
}

func (s *Server) listJobs(in *listInput) (*listJobsOutput, error) {
	list, next, err := page(s.withTags("job", names(s.jobs), in.Tags), in.pageInput, jobsPerPage)
	return &listJobsOutput{list, next}, err
}

type batchGetJobsInput struct {
	JobNames []string `check:"required each.len=1:255 each.match=name"`
}

type batchGetJobsOutput struct {
	Jobs         []*jobBody
	JobsNotFound []string
}

func (s *Server) batchGetJobs(in *batchGetJobsInput) (*batchGetJobsOutput, error) {
	have, missing := found(s.jobs, in.JobNames)
	out := &batchGetJobsOutput{Jobs: []*jobBody{}, JobsNotFound: missing}
	for _, j := range have {
		out.Jobs = append(out.Jobs, j.body())
	}
	return out, nil
}

type updateJobInput struct {
	JobName   string     `check:"required len=1:255 match=name"`
	JobUpdate *jobFields `check:"required"`
}

type jobNameOutput struct{ JobName string }

func (s *Server) updateJob(in *updateJobInput) (*jobNameOutput, error) {
	j := s.jobs[in.JobName]
	if j == nil {
		return nil, notFound("Job", in.JobName)
	}
	if err := checkJob(in.JobUpdate); err != nil {
		return nil, err
	}
	j.given = string(marshal(in.JobUpdate))
	j.fields = in.JobUpdate.withDefaults(&j.fields)
	j.modified = s.now()
	return &jobNameOutput{in.JobName}, nil
}

func (s *Server) deleteJob(in *jobNameInput) (*jobNameOutput, error) {
	if s.jobs[in.JobName] != nil {
		delete(s.jobs, in.JobName)
		s.dropTags("job", in.JobName)
	}
	return &jobNameOutput{in.JobName}, nil
}
