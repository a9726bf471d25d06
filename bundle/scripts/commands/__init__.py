"""The short commands: `fusioninn TASK …` runs a config of the bundle. Torch is imported only when a task runs."""
