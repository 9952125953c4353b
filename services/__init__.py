"""The five services, one folder each; they talk by topic only and never import each other."""
