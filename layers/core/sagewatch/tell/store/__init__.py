"""Keeps in the incidents table what happened and what was sent."""
