"""From images as the scanner left them to a pair on one grid: rigid registration, bias field, skull stripping."""
