"""What any product has: database, jobs, clock, errors, ids, web, crypto. Knows no word of ours."""
