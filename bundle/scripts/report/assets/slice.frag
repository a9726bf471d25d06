#version 300 es
// A slice of the viewer: the fused image, the image at one end of the slider over it, and the lesion's outlines on top.
// Names of the uniforms are NiiVue's, which finds one a line.
precision highp int;
precision highp float;
uniform highp sampler3D volume;
uniform highp sampler3D overlay;
uniform highp sampler3D drawing;
uniform float overlays;
uniform float overlayAlphaShader;
uniform float drawRimOpacity;
in vec3 texPos;
out vec4 color;

const vec3 COLOURS[{{count}}] = vec3[{{count}}]({{colours}});

// Number of the segment at a place, 0 outside. A smaller segment, which may lie in another, has a higher number.
int segmentAt(vec3 place) {
	return int(texture(drawing, place).r * 255.0 + 0.5);
}

void main() {
	vec3 shown = texture(volume, texPos).rgb;
	if (overlays > 0.0)
		shown = mix(shown, texture(overlay, texPos).rgb, overlayAlphaShader);
	vec3 right = 1.5 * dFdx(texPos), up = 1.5 * dFdy(texPos);
	if (drawRimOpacity > 0.0) {
		int here = segmentAt(texPos);
		int beside = max(max(segmentAt(texPos + right), segmentAt(texPos - right)),
			max(segmentAt(texPos + up), segmentAt(texPos - up)));
		if (beside > here)
			shown = mix(shown, COLOURS[(beside - 1) % {{count}}], drawRimOpacity);
	}
	color = vec4(shown, 1.0);
}
