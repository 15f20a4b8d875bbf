"""What a compilation leaves: ports, manifest, report and the folder that holds them, each with one writer and one reader."""
