package glue

// HoldTriggerCalls makes each trigger call send on inside and wait for leave, while its workflow is blocked.
func HoldTriggerCalls(c *Config, inside chan<- struct{}, leave <-chan struct{}) {
	c.triggerCall = func() {
		inside <- struct{}{}
		<-leave
	}
}
