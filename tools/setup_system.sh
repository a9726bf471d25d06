#!/bin/sh
# Install the programs that some tests use: a PACS (Orthanc), DICOM validator, converter and encoders, a browser, openssl,
# and Node.js, which builds the page for browsers.
# Debian and Ubuntu, as root. Without them those tests are skipped and say so.
set -u
programs="Orthanc dciodvfy dcm2niix dcmcjpeg chromium openssl node npm"
missing=
for program in $programs; do
    command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
# Orthanc without its DICOMweb plugin is of no use to the tests.
found=
for folder in /usr/share/orthanc/plugins /usr/lib/orthanc/plugins /usr/local/share/orthanc/plugins; do
    [ -e "$folder/libOrthancDicomWeb.so" ] && found=yes
done
[ -n "$found" ] || missing="$missing orthanc-dicomweb"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Not installed:$missing (needs root and apt-get); the tests that use them are skipped."
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
packages="orthanc orthanc-dicomweb dicom3tools dcm2niix dcmtk chromium openssl"
log=$(mktemp)
{ apt-get install -y --no-install-recommends $packages || { apt-get update && apt-get install -y --no-install-recommends $packages; }; } \
    >"$log" 2>&1 || { tail -5 "$log"; echo "Could not install:$missing; the tests that use them are skipped."; }
# On its own: Node.js of another source brings npm along, and Debian's would conflict with it.
command -v npm >/dev/null 2>&1 || apt-get install -y --no-install-recommends nodejs npm >"$log" 2>&1 ||
    { tail -5 "$log"; echo "Could not install: node npm; the page for browsers is not tested."; }
rm -f "$log"
