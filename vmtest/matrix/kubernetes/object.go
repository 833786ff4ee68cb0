// SPDX-License-Identifier: GPL-2.0-only OR MIT

package kubernetes

// The types below have the fields of Kubernetes' API that a Job needs. A test decodes
// what they write into the types of k8s.io/api, and rejects unknown fields.

type metadata struct {
	Name string `yaml:"name"`
}

type configMap struct {
	APIVersion string            `yaml:"apiVersion"`
	Kind       string            `yaml:"kind"`
	Metadata   metadata          `yaml:"metadata"`
	Data       map[string]string `yaml:"data"`
}

type claim struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
	Spec       struct {
		AccessModes []string `yaml:"accessModes"`
		Resources   struct {
			Requests map[string]string `yaml:"requests"`
		} `yaml:"resources"`
	} `yaml:"spec"`
}

type job struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
	Spec       jobSpec  `yaml:"spec"`
}

type jobSpec struct {
	CompletionMode       string `yaml:"completionMode"`
	Completions          int    `yaml:"completions"`
	Parallelism          int    `yaml:"parallelism"`
	BackoffLimitPerIndex int    `yaml:"backoffLimitPerIndex"`
	MaxFailedIndexes     int    `yaml:"maxFailedIndexes"`
	PodFailurePolicy     policy `yaml:"podFailurePolicy"`
	Template             struct {
		Spec podSpec `yaml:"spec"`
	} `yaml:"template"`
}

type policy struct {
	Rules []any `yaml:"rules"`
}

type exitRule struct {
	Action      string    `yaml:"action"`
	OnExitCodes exitCodes `yaml:"onExitCodes"`
}

type exitCodes struct {
	ContainerName string `yaml:"containerName"`
	Operator      string `yaml:"operator"`
	Values        []int  `yaml:"values,flow"`
}

type conditionRule struct {
	Action          string      `yaml:"action"`
	OnPodConditions []condition `yaml:"onPodConditions"`
}

type condition struct {
	Type string `yaml:"type"`
}

type podSpec struct {
	RestartPolicy   string      `yaml:"restartPolicy"`
	SecurityContext podSecurity `yaml:"securityContext"`
	Containers      []container `yaml:"containers"`
	Volumes         []any       `yaml:"volumes"`
}

type podSecurity struct {
	RunAsNonRoot        bool   `yaml:"runAsNonRoot"`
	RunAsUser           int    `yaml:"runAsUser"`
	RunAsGroup          int    `yaml:"runAsGroup"`
	FSGroup             int    `yaml:"fsGroup"`
	FSGroupChangePolicy string `yaml:"fsGroupChangePolicy"`
}

type container struct {
	Name      string   `yaml:"name"`
	Image     string   `yaml:"image"`
	Args      []string `yaml:"args"`
	Resources struct {
		Requests map[string]string `yaml:"requests"`
		Limits   map[string]string `yaml:"limits"`
	} `yaml:"resources"`
	VolumeMounts []mount `yaml:"volumeMounts"`
}

type mount struct {
	Name      string `yaml:"name"`
	MountPath string `yaml:"mountPath"`
	ReadOnly  bool   `yaml:"readOnly,omitempty"`
}

type named struct {
	Name string `yaml:"name"`
}

type configVolume struct {
	Name      string `yaml:"name"`
	ConfigMap named  `yaml:"configMap"`
}

type claimName struct {
	ClaimName string `yaml:"claimName"`
}

type claimVolume struct {
	Name  string    `yaml:"name"`
	Claim claimName `yaml:"persistentVolumeClaim"`
}
