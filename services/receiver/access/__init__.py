"""Who may log in and how much an account may send."""
