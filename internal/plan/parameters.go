package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/keys"
)

// Stack is what the deployed stack adds to every table's parameters.
type Stack struct {
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
	// Declares are the parameters of a user's blueprint; nil for the shipped one, which declares all of catalog.Parameters.
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
//
// All parameters are always sent, so that a default changed in blueprint.cfg can
// never differ from the fingerprint.
func NewDesired(s Stack, b Blueprint, catalogName string, t catalog.Table) Desired {
	owner := Owner(s.ArtifactsBucket, catalogName)
	values := Values(t.Parameters())
	if !t.Enabled {
		// A disabled table keeps its workflow and its history; only the schedule goes.
		values["JobScheduleType"] = catalog.OnDemand
	}
	if values["JobScheduleType"] != catalog.Cron {
		// Without a schedule the pattern means nothing, so it must not change the fingerprint.
		values["ScheduleCronPattern"] = ""
	}
	var modules []string
	for _, key := range s.PythonModules {
		if runsOn(t.Engine, key) {
			modules = append(modules, "s3://"+s.ArtifactsBucket+"/"+key)
		}
	}
	values["Owner"] = owner
	values["ScriptLocation"] = "s3://" + s.ArtifactsBucket + "/" + ScriptKey
	values["ExtraPyFiles"] = "s3://" + s.ArtifactsBucket + "/" + ExtraFilesKey
	values["PythonModules"] = strings.Join(modules, ",")
	values = b.declared(values, t.BlueprintParameters)
	return Desired{
		Catalog: catalogName, Owner: owner, Table: t.SourceTable, Workflow: t.WorkflowName, Blueprint: b,
		Parameters: values, Fingerprint: Fingerprint(values, b.Version), Place: ClaimKey(t),
	}
}

// runsOn reports whether a wheel is for the Python version of the engine's jobs: pip refuses wheels of another version.
func runsOn(engine, wheel string) bool {
	python := "cp311" // of Glue 5.1
	if engine == catalog.PythonShell {
		python = "cp39"
	}
	parts := strings.Split(path.Base(wheel), "-") // distribution, version, Python, ABI, platform
	return len(parts) < 5 || parts[2] == python || parts[2] == "py3"
}

// ClaimKey identifies what a table is landed from and to, which only one
// workflow may do. It is empty when that is not known.
func ClaimKey(t catalog.Table) string {
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
