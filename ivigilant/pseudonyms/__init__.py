"""Messages of a hospital made fit for a test system: nobody in them is found without the key."""
