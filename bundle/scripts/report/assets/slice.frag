#version 300 es
// A slice of the viewer: the fused image, the image at one end of the slider over it, and the lesion's outline on top.
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

bool inLesion(vec3 place) {
	return texture(drawing, place).r > 0.0;
}

void main() {
	vec3 shown = texture(volume, texPos).rgb;
	if (overlays > 0.0)
		shown = mix(shown, texture(overlay, texPos).rgb, overlayAlphaShader);
	vec3 right = 1.5 * dFdx(texPos), up = 1.5 * dFdy(texPos);
	if (drawRimOpacity > 0.0 && !inLesion(texPos) &&
		(inLesion(texPos + right) || inLesion(texPos - right) || inLesion(texPos + up) || inLesion(texPos - up)))
		shown = mix(shown, vec3(1.0, 0.32, 0.26), drawRimOpacity);
	color = vec4(shown, 1.0);
}
