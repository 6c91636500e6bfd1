package catalog

//go:generate go run ./generate -root ../..

import (
	"reflect"
	"slices"
)

// entryKeys declare the keys of an entry, and of Defaults, in the order in
// which they are documented. To add one, add a line here and a field to Table,
// then run `make generate`.
var entryKeys = declare[Table](
	&Key{
		Name: "SourceTable", Required: true, Argument: "source_table", kind: tableKind,
		Help: "The table to land, as `schema.table`. A part with a dot, a double quote or a space at an end is put in double quotes.", More: "See [Names of tables](#names-of-tables).",
		Examples: []any{"hr.employees", `"my.schema".orders`},
	},
	&Key{
		Name: "WorkflowName", Absent: "`<catalog>_<schema>_<table>`", kind: workflowNameKind,
		Help:     "The Glue workflow's name, unique in the account and Region.",
		More:     "Printable, no `/` or `:`, no space at either end. In the default, `_` replaces every character except letters, digits, `_`, `.` and `-`.",
		Examples: []any{"hr_hr_employees"},
	},
	&Key{
		Name: "SecretName", Required: true, Argument: "secret_name", kind: secretKind,
		Help:     "The Secrets Manager secret with the database's address and login: `host`, `port`, `dbname`, `username`, `password`.",
		Examples: []any{"landfall/hr"},
	},
	&Key{
		Name: "NetworkConnectionName", Default: "", kind: connectionKind,
		Help:     "The Glue NETWORK connection through which the job reaches the database. `\"\"`: none.",
		Examples: []any{"people-db-vpc"},
	},
	&Key{
		Name: "GlueExecutionRole", Absent: "the stack's job role", kind: roleKind,
		Help:     "The role that the job runs as.",
		Examples: []any{"arn:aws:iam::123456789012:role/landing-job"},
	},
	&Key{
		Name: "DestinationBucketName", Absent: "the stack's raw bucket", Argument: "destination_bucket", kind: bucketKind,
		Help:     "The bucket of the raw layer, without `s3://`.",
		More:     "The table lands in `s3://<bucket>/<database>/<schema.table>/`.",
		Examples: []any{"raw-layer-123456789012-eu-west-1"},
	},
	&Key{
		Name: "DestinationFileFormat", Default: Parquet, Argument: "file_format", kind: choice("no other format is supported", Parquet),
		Help: "The file format.",
	},
	&Key{
		Name: "DestinationFileCount", Absent: "the job decides", Argument: "file_count", kind: integerOrEmpty(1, 10000),
		Help: "The number of files per load.", More: "`\"\"` is the default, too.",
	},
	&Key{
		Name: "DestinationFileSizeMB", Default: 256, Argument: "file_mb", kind: integer(1, 4096),
		Help: "The target size of files. `DestinationFileCount` overrides it.",
	},
	&Key{
		Name: "LoadType", Default: Incremental, Argument: "load_type", kind: choice("", Full, Incremental),
		Help: "`Full` lands the whole table each time. `Incremental` lands the rows whose `DeltaColumnName` has increased since the last load.",
	},
	&Key{
		Name: "DeltaColumnName", Default: Columns{"updated_at"}, Argument: "delta_column", kind: cursorKind,
		Help:     "The cursor: the column that increases with every change of a row. Of a list of columns, the first that is not NULL counts.",
		More:     "Not read with `Full`.",
		Examples: []any{"updated_at", []string{"updated_at", "created_at"}},
	},
	&Key{
		Name: "NullCursor", Default: Fail, Argument: "null_cursor", kind: choice("", Fail, Include, FullOnly),
		Help: "How to treat rows whose cursor is NULL. `Fail`: the load fails. `Include`: every load lands them, and readers keep one row per `PrimaryKey`, which is required. `FullOnly`: only a full load lands them.",
	},
	&Key{
		Name: "LookbackSeconds", Default: 0, Argument: "lookback_seconds", kind: integer(0, 31536000),
		Help: "How far before the end of the last load each load begins, for rows whose cursor was set to the past. A value above 0 requires `PrimaryKey`.",
	},
	&Key{
		Name: "LagSeconds", Default: 600, Argument: "lag_seconds", kind: integer(0, 86400),
		Help: "How far a load stays behind the present where the login cannot see how old the open transactions are, or on a replica.",
	},
	&Key{
		Name: "S3PartitionColumnName", Default: "", Argument: "partition_column", kind: partitionKind,
		Help: "A column by whose values the files are put into folders. `\"\"`: none.",
		More: "Not of floats, bytes or lists. Not `batch`, which is Landfall's own.",
	},
	&Key{
		Name: "PrimaryKey", Argument: "primary_key", kind: primaryKeyKind,
		Help:     "The columns of the primary key.",
		More:     "For example `[\"employee_id\", \"start_date\"]` or `\"employee_id, start_date\"`. A column with a comma in its name needs the list.",
		Examples: []any{[]string{"employee_id", "start_date"}, "employee_id, start_date"},
	},
	&Key{
		Name: "DetectDeletes", Default: false, Argument: "detect_deletes", kind: boolean,
		Help: "Whether an `Incremental` load also looks for deleted rows, and publishes their keys. Requires `PrimaryKey`.",
	},
	&Key{
		Name: "DeleteLimitPercent", Default: 20, Argument: "delete_limit_percent", kind: integer(0, 100),
		Help: "The largest share of the landed rows that one load may find deleted. More fails the load.",
	},
	&Key{
		Name: "SchemaEvolution", Default: Evolve, Argument: "schema_evolution", kind: choice("", Evolve, Freeze),
		Help: "`Evolve` lands new columns and safe widenings of types. `Freeze` fails the load when the columns have changed.",
	},
	&Key{
		Name: "CompareRows", Default: Sample, Argument: "compare_rows", kind: choice("", Sample, All),
		Help: "Which rows a load compares, value by value, with the text that the database shows: 10,000 random rows of each split, or all.",
		More: "See [what is compared](guarantees.md#what-is-compared-before-a-batch-is-published).",
	},
	&Key{
		Name: "Types", Absent: "exact, or text", Argument: "types", kind: typesKind,
		Help:     "Policies for values that have no exact type in Parquet.",
		More:     "See [Types and columns](#types-and-columns).",
		Examples: []any{map[string]string{"NumericUnbounded": "Decimal(38,10)"}},
	},
	&Key{
		Name: "Columns", Argument: "columns", kind: columnsKind,
		Help:     "Policies and rules of single columns, by name.",
		More:     "See [Types and columns](#types-and-columns).",
		Examples: []any{object{{"email", object{{"Rule", Hash}}}, {"salary", object{{"Rule", Drop}}}}},
	},
	&Key{
		Name: "MaxConnections", Default: 4, Argument: "max_connections", kind: integer(1, 64),
		Help: "The number of connections to the database that one job run opens.",
	},
	&Key{
		Name: "JobScheduleType", Default: OnDemand, kind: choice("", OnDemand, Cron),
		Help: "`Cron` starts the workflow by `ScheduleCronPattern`, `OnDemand` only by hand.",
	},
	&Key{
		Name: "ScheduleCronPattern", Default: "10 21 * * ? *", kind: cronKind,
		Help:     "When the workflow starts, as an AWS cron pattern in UTC. Used only with `JobScheduleType` `Cron`.",
		More:     "See [Schedules](#schedules).",
		Examples: []any{"10 21 * * ? *", "0/30 6-20 ? * MON-FRI *"},
	},
	&Key{
		Name: "Enabled", Default: true, PlannerOnly: true, kind: boolean,
		Help: "`false` keeps the workflow and removes its schedule. It can still be started by hand.",
	},
	&Key{
		Name: "Engine", Default: Spark, Argument: "engine", kind: choice("", Spark, PythonShell),
		Help: "The kind of job that reads the table. `PythonShell` starts no cluster: it is faster and cheaper for most tables.",
	},
	&Key{
		Name: "MaxCapacity", Default: 0.0625, kind: capacityKind,
		Help: "The DPU of a Python shell job: 1 GB or 16 GB of memory. Not read with `Spark`.",
	},
	&Key{
		Name: "NumberOfWorkers", Default: 2, kind: integer(2, 299),
		Help: "The number of Glue workers of a Spark job.",
	},
	&Key{
		Name: "WorkerType", Default: WorkerG1X, kind: choice("Glue's blueprint library accepts no other", WorkerG1X, WorkerG2X),
		Help: "The size of a worker of a Spark job. Glue's blueprint library accepts no other.",
	},
	&Key{
		Name: "TimeoutMinutes", Default: 480, kind: integer(1, 10080),
		Help: "After how many minutes a job run is stopped.",
	},
	&Key{
		Name: "MaxRetries", Default: 0, kind: integer(0, 10),
		Help: "How often Glue restarts a failed job run.",
	},
	&Key{
		Name: "Tags", kind: tagsKind,
		Help:     "Tags of the workflow and the job, at most 48.",
		More:     "For example `{ \"team\": \"people\" }`. Names up to 128 characters, values up to 256, of letters, digits, spaces and `_ . : / = + - @`; names that begin with `aws:` or `landfall:` are reserved.",
		Examples: []any{map[string]string{"team": "people"}},
	},
	&Key{
		Name: "BlueprintParameters", PlannerOnly: true, kind: blueprintParametersKind,
		Help:     "Parameters of a custom blueprint beyond Landfall's own. Those of `Defaults` and of the entry are merged.",
		More:     "See [Custom blueprints](custom-blueprints.md).",
		Examples: []any{map[string]string{"ReportTable": "daily_sales"}},
	},
)

// topKeys declare the keys of the catalog itself, in the order in which they are documented.
var topKeys = declare[Catalog](
	&Key{
		Name: "$schema", kind: kind{form: "anything"},
		Help: "For editors; Landfall does not read it.",
	},
	&Key{
		Name: "Prune", Default: false, kind: boolean,
		Help: "`true` deletes the workflow of a table that is no longer listed. `false` leaves it and reports it as an orphan.",
		More: "Only workflows that this catalog made are ever deleted. Landed data stays.",
	},
	&Key{
		Name: "PruneLimitPercent", Default: 20, kind: jsonInteger(0, 100),
		Help: "The largest share of the catalog's workflows that one execution deletes; one is always allowed.",
		More: "An execution that would delete more is refused, so that half a file does not delete half the workflows. To allow it once, start the state machine with `{\"catalog\": \"catalogs/hr.json\", \"pruneLimitPercent\": 100}`.",
	},
	&Key{
		Name: "PruneRunning", Default: Wait, kind: choice("", Wait, Stop),
		Help: "What happens to a workflow that is running when it is to be deleted: `Wait` lets it finish, `Stop` stops it.",
	},
	&Key{
		Name: "Adopt", Default: false, kind: boolean,
		Help: "`true` takes over workflows of the same names that a blueprint made and that have no owner, such as those of the AWS sample.",
		More: "They are updated in place: job names and run history stay.",
	},
	&Key{
		Name: "Blueprint", Absent: "Landfall's own", kind: userBlueprintKind,
		Help:     "The key of a custom blueprint's ZIP in the artifacts bucket.",
		More:     "See [Custom blueprints](custom-blueprints.md).",
		Examples: []any{"blueprints/two-step.zip"},
	},
	&Key{
		Name: "BucketOwners", kind: bucketOwnersKind,
		Help:     "Accounts, besides the stack's own, that destination buckets may belong to.",
		Examples: []any{[]string{"123456789012"}},
	},
	&Key{
		Name: "Defaults", kind: kind{form: "object", schema: object{{"$ref", "#/$defs/keys"}}},
		Help: "Values for all entries; an entry's own value wins.",
		More: "See [Defaults](#defaults).",
	},
	&Key{
		Name: "WorkflowList", Required: true,
		kind: kind{form: "list, not empty", schema: object{{"type", "array"}, {"minItems", 1}, {"items", object{{"$ref", "#/$defs/keys"}}}}},
		Help: "The tables, one entry each.",
	},
)

// aliases are other names of keys. The first is in the catalogs that the AWS
// sample publishes, the second in its generator.
var aliases = map[string]string{
	"TransactionTimestampColumnName": "DeltaColumnName",
	"delta_col_name":                 "DeltaColumnName",
}

// maxKeys is how many keys a set of bits holds.
const maxKeys = 64

// declare numbers keys and finds their fields in Table or Catalog.
func declare[T any](keys ...*Key) []*Key {
	for i, k := range keys {
		k.index, k.bit = i, 1<<i
		if field, ok := reflect.TypeFor[T]().FieldByName(k.Name); ok && k.kind.read != nil {
			k.field = field.Index
		}
	}
	return keys
}

// keysByName finds the key of an entry by its name or an alias, topKeysByName one of the catalog.
var (
	keysByName    = byName(entryKeys, aliases)
	topKeysByName = byName(topKeys, nil)
)

func byName(keys []*Key, aliases map[string]string) map[string]*Key {
	named := map[string]*Key{}
	for _, k := range keys {
		named[k.Name] = k
	}
	for alias, name := range aliases {
		named[alias] = named[name]
	}
	return named
}

// KeyNamed is the key of an entry by its name or an old name; nil when there is none.
func KeyNamed(name string) *Key { return keysByName[name] }

// EntryKeys are the keys of an entry in the order of the documentation.
func EntryKeys() []*Key { return slices.Clone(entryKeys) }

// TopKeys are the keys of the catalog itself in the order of the documentation.
func TopKeys() []*Key { return slices.Clone(topKeys) }
