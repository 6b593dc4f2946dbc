"""figshift and other proxies side by side."""
