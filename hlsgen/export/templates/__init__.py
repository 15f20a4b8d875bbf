"""The files of an exported folder, as Jinja templates; ``hlsgen.export.contents`` fills them in."""
