package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"strconv"
	"strings"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/keys"
)

// Parameters are what one blueprint run is given: the fields are those of
// blueprint.cfg's parameterSpec, and all of them are always sent, so that a
// default changed in the blueprint can never differ from the fingerprint.
type Parameters struct {
	WorkflowName          string
	GlueExecutionRole     string
	NetworkConnectionName string
	SecretName            string
	SourceTable           string
	DestinationBucketName string
	DestinationFileFormat string
	DestinationFileCount  string
	DestinationFileSizeMB int
	DeltaColumnName       string
	NullCursor            string
	LookbackSeconds       int
	LagSeconds            int
	S3PartitionColumnName string
	JobScheduleType       string
	ScheduleCronPattern   string
	NumberOfWorkers       int
	LoadType              string
	PrimaryKey            string
	DetectDeletes         bool
	DeleteLimitPercent    int
	SchemaEvolution       string
	CompareRows           string
	Types                 string
	Columns               string
	MaxConnections        int
	Engine                string
	MaxCapacity           float64
	WorkerType            string
	TimeoutMinutes        int
	MaxRetries            int
	Tags                  string
	Owner                 string
	ScriptLocation        string
	ExtraPyFiles          string
	PythonModules         string
}

// Deployment is what the deployed stack adds to every table's parameters.
type Deployment struct {
	ArtifactsBucket string
	// Blueprint is the one that comes with the stack.
	Blueprint Blueprint
	// PythonModules are the keys of the job's wheels in the artifacts bucket.
	PythonModules []string
}

// Blueprint is a Glue blueprint and the ZIP it is registered from.
type Blueprint struct {
	// Name is the blueprint's name in Glue.
	Name string `json:"name"`
	// Key is the ZIP in the artifacts bucket.
	Key string `json:"key"`
	// Version is a hash of the ZIP: a new layout changes every fingerprint.
	Version string `json:"version"`
	// Declares are the parameters of a user's blueprint; nil for the shipped one, which declares all of Parameters.
	Declares []string `json:"-"`
}

// Keys of the job code in the artifacts bucket. Every Glue job points at these
// two objects, so that new job code is live for all tables at once.
const (
	ScriptKey     = keys.Script
	ExtraFilesKey = keys.JobPackage
)

// Owner names the catalog that owns a workflow: the catalog's S3 URI, which is
// unique over accounts, stacks and catalogs.
func Owner(bucket, catalogName string) string {
	return "s3://" + bucket + "/" + keys.Catalog(catalogName)
}

// NewDesired resolves one table of a catalog to the workflow it should have, made by the blueprint b.
func NewDesired(d Deployment, b Blueprint, catalogName string, t catalog.Table) Desired {
	owner := Owner(d.ArtifactsBucket, catalogName)
	p := Parameters{
		WorkflowName:          t.WorkflowName,
		GlueExecutionRole:     t.GlueExecutionRole,
		NetworkConnectionName: t.NetworkConnectionName,
		SecretName:            t.SecretName,
		SourceTable:           t.SourceTable,
		DestinationBucketName: t.DestinationBucketName,
		DestinationFileFormat: t.DestinationFileFormat,
		DestinationFileSizeMB: t.DestinationFileSizeMB,
		DeltaColumnName:       deltaColumn(t.DeltaColumnName),
		NullCursor:            t.NullCursor,
		LookbackSeconds:       t.LookbackSeconds,
		LagSeconds:            t.LagSeconds,
		S3PartitionColumnName: t.S3PartitionColumnName,
		JobScheduleType:       t.JobScheduleType,
		ScheduleCronPattern:   t.ScheduleCronPattern,
		NumberOfWorkers:       t.NumberOfWorkers,
		LoadType:              t.LoadType,
		PrimaryKey:            mustJSON(nonNil(t.PrimaryKey)),
		DetectDeletes:         t.DetectDeletes,
		DeleteLimitPercent:    t.DeleteLimitPercent,
		SchemaEvolution:       t.SchemaEvolution,
		CompareRows:           t.CompareRows,
		Types:                 object(t.Types),
		Columns:               object(t.Columns),
		MaxConnections:        t.MaxConnections,
		Engine:                t.Engine,
		MaxCapacity:           t.MaxCapacity,
		WorkerType:            t.WorkerType,
		TimeoutMinutes:        t.TimeoutMinutes,
		MaxRetries:            t.MaxRetries,
		Tags:                  object(t.Tags),
		Owner:                 owner,
		ScriptLocation:        "s3://" + d.ArtifactsBucket + "/" + ScriptKey,
		ExtraPyFiles:          "s3://" + d.ArtifactsBucket + "/" + ExtraFilesKey,
	}
	if t.DestinationFileCount > 0 {
		p.DestinationFileCount = strconv.Itoa(t.DestinationFileCount)
	}
	if !t.Enabled {
		// A disabled table keeps its workflow and its history; only the schedule goes.
		p.JobScheduleType = "OnDemand"
	}
	if p.JobScheduleType != "Cron" {
		// Without a schedule the pattern means nothing, so it must not tell fingerprints apart.
		p.ScheduleCronPattern = ""
	}
	var modules []string
	for _, key := range d.PythonModules {
		if runsOn(t.Engine, key) {
			modules = append(modules, "s3://"+d.ArtifactsBucket+"/"+key)
		}
	}
	p.PythonModules = strings.Join(modules, ",")
	values := b.values(p, t.BlueprintParameters)
	return Desired{
		Catalog: catalogName, Owner: owner, Table: t.SourceTable, Workflow: t.WorkflowName, Blueprint: b,
		Parameters: values, Fingerprint: Fingerprint(values, b.Version), Place: Place(t),
	}
}

// runsOn tells whether a wheel is for the Python that the engine's jobs run on: pip refuses those for another.
func runsOn(engine, wheel string) bool {
	python := "cp311" // of Glue 5.1
	if engine == catalog.PythonShell {
		python = "cp39"
	}
	parts := strings.Split(path.Base(wheel), "-") // distribution, version, Python, ABI, platform
	return len(parts) < 5 || parts[2] == python || parts[2] == "py3"
}

// Place is what a table is landed from and to; empty when that is not known.
func Place(t catalog.Table) string {
	if t.SecretName == "" || t.DestinationBucketName == "" {
		return ""
	}
	return strings.Join([]string{t.SecretName, t.SourceTable, t.DestinationBucketName}, "\x00")
}

// Fingerprint identifies what a workflow was made from: the resolved parameters
// and the version of the layout. It is stored on the workflow as the last step
// of applying a change, so that its presence says the change is complete.
func Fingerprint(v Values, layoutVersion string) string {
	sum := sha256.Sum256([]byte(v.JSON() + "\n" + layoutVersion))
	return hex.EncodeToString(sum[:])
}

func mustJSON(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		// Strings, numbers and maps of strings always marshal.
		panic(fmt.Sprintf("marshal %T: %v", v, err))
	}
	return string(data)
}

// object is a map as a JSON object, {} when it is nil.
func object[V any](m map[string]V) string {
	if m == nil {
		return "{}"
	}
	return mustJSON(m)
}

// deltaColumn is one column as it is, and several as a JSON list. A name that could be taken for a list is one.
func deltaColumn(columns []string) string {
	if len(columns) == 1 && !strings.HasPrefix(columns[0], "[") {
		return columns[0]
	}
	return mustJSON(nonNil(columns))
}

func nonNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// ParameterNames are the names of Landfall's own parameters.
func ParameterNames() []string {
	var names []string
	for field := range reflect.TypeFor[Parameters]().Fields() {
		names = append(names, field.Name)
	}
	return names
}
