"""Prepare images as scanned: rigid registration to one grid, bias field correction, skull stripping."""
