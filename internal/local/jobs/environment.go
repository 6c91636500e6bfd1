package jobs

import (
	"path/filepath"
	"strings"

	"github.com/landfall/landfall/internal/local/glue"
)

// environment is all a job run sees of this machine; nothing is inherited.
func (r *Runner) environment(run glue.JobRun, scratch string, pythonPath []string) []string {
	python := r.config.python(run.CommandName)
	env := []string{
		"PATH=" + filepath.Dir(python) + ":/usr/bin:/bin",
		"HOME=" + scratch,
		"TMPDIR=" + filepath.Join(scratch, "tmp"),
		"LANG=C.UTF-8",
		"TZ=UTC",
		"PYTHONUNBUFFERED=1",
		"PYTHONPATH=" + strings.Join(pythonPath, ":"),
		"AWS_ENDPOINT_URL=" + r.config.EndpointURL,
		"AWS_REGION=" + r.config.Region,
		"AWS_DEFAULT_REGION=" + r.config.Region,
		"AWS_ACCESS_KEY_ID=ASIALANDFALLLOCAL000",
		"AWS_SECRET_ACCESS_KEY=local",
		"AWS_SESSION_TOKEN=local",
		"AWS_EC2_METADATA_DISABLED=true",
	}
	if run.CommandName == "glueetl" {
		env = append(env,
			"JAVA_HOME="+filepath.Join(r.config.Root, "build/java"),
			"PYSPARK_PYTHON="+python,
			"PYSPARK_DRIVER_PYTHON="+python,
			"PYSPARK_SUBMIT_ARGS="+sparkArguments(scratch),
			"SPARK_LOCAL_DIRS="+filepath.Join(scratch, "tmp"),
			"SPARK_LOCAL_IP=127.0.0.1",
		)
	}
	return env
}

// sparkArguments starts a small Spark that starts fast: two cores of this machine, no web page.
func sparkArguments(scratch string) string {
	temporary := filepath.Join(scratch, "tmp")
	words := []string{
		"--master", "local[2]", "--driver-memory", "512m",
		"--conf", "spark.ui.enabled=false",
		"--conf", "spark.ui.showConsoleProgress=false",
		"--conf", "spark.driver.host=127.0.0.1",
		"--conf", "spark.driver.bindAddress=127.0.0.1",
		"--conf", "spark.sql.session.timeZone=UTC",
		"--conf", "spark.sql.warehouse.dir=" + filepath.Join(temporary, "warehouse"),
		"--conf", "spark.driver.extraJavaOptions=-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData " +
			"-Duser.timezone=UTC -Djava.io.tmpdir=" + temporary,
		"pyspark-shell",
	}
	for i, word := range words {
		words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" // PySpark splits as a shell does
	}
	return strings.Join(words, " ")
}
